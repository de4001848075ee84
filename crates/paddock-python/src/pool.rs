//! Threads for host methods that block: as many as asked for at most, first
//! come first served.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::doorway;
use crate::job::Site;
use crate::tasks::Answer;

struct Work {
    callable: Py<PyAny>,
    sender: oneshot::Sender<Answer>,
    site: Arc<Site>,
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    idle: usize,
    threads: Vec<JoinHandle<()>>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

pub struct Pool {
    shared: Arc<Shared>,
    limit: usize,
}

impl Pool {
    pub fn new(limit: usize) -> Self {
        Self { shared: Arc::default(), limit: limit.max(1) }
    }

    pub fn submit(&self, _py: Python<'_>, callable: Py<PyAny>, sender: oneshot::Sender<Answer>, site: Arc<Site>) {
        let mut queue = self.shared.lock();
        if queue.closed {
            // Dropping the sender tells the guest that the host ends.
            drop(queue);
            return;
        }
        queue.work.push_back(Work { callable, sender, site });
        if queue.idle < queue.work.len() && queue.threads.len() < self.limit {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("paddock-blocking".into()).spawn(move || serve(&shared));
            // Without a new thread the others get to it; with none at all the
            // machine is out of threads, and the guest's time limit ends it.
            queue.threads.extend(thread);
        }
        drop(queue);
        self.shared.ready.notify_one();
    }

    /// Lets running work end, refuses the rest and joins the threads. Python
    /// must be released meanwhile.
    pub fn close(&self) {
        let (threads, refused) = {
            let mut queue = self.shared.lock();
            queue.closed = true;
            (std::mem::take(&mut queue.threads), std::mem::take(&mut queue.work))
        };
        self.shared.ready.notify_all();
        drop(refused);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Work> {
        let mut queue = self.lock();
        loop {
            if let Some(work) = queue.work.pop_front() {
                return Some(work);
            }
            if queue.closed {
                return None;
            }
            queue.idle += 1;
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

fn serve(shared: &Shared) {
    // Attached once for the thread's whole life: its Python state is kept.
    doorway::enter(|py| {
        while let Some(work) = doorway::leave(py, || shared.next()) {
            if work.sender.is_closed() {
                // The guest is gone before its turn came.
                continue;
            }
            let answer = match work.callable.bind(py).call0() {
                Ok(value) => work.site.answer(&value),
                Err(error) => Err(work.site.fault(py, error)),
            };
            let _ = work.sender.send(answer);
        }
    });
}
