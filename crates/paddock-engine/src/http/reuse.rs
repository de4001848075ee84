//! Instances that wait for their next request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A stack of idle instances: the one used last is taken first, so that those
/// not needed grow old and go.
pub struct Idle<T> {
    waiting: Mutex<Vec<(Instant, T)>>,
    keep: Duration,
    sweeping: AtomicBool,
}

impl<T: Send + 'static> Idle<T> {
    pub fn new(keep: Duration) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), keep, sweeping: AtomicBool::new(false) })
    }

    pub fn take(&self) -> Option<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop().map(|(_, instance)| instance)
    }

    pub fn put(self: Arc<Self>, instance: T) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), instance));
        if !self.sweeping.swap(true, Ordering::AcqRel)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(sweep(Arc::downgrade(&self), self.keep));
        }
    }

    /// Drops what has waited too long; whether anything still waits.
    fn prune(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let old = waiting.iter().take_while(|(since, _)| since.elapsed() >= self.keep).count();
        let gone: Vec<_> = waiting.drain(..old).collect();
        let more = !waiting.is_empty();
        if !more {
            self.sweeping.store(false, Ordering::Release);
        }
        drop(waiting);
        drop(gone);
        more
    }
}

async fn sweep<T: Send + 'static>(idle: Weak<Idle<T>>, keep: Duration) {
    loop {
        tokio::time::sleep(keep.max(Duration::from_millis(10))).await;
        match idle.upgrade() {
            Some(idle) if idle.prune() => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_too_long_goes_and_the_last_used_comes_first() {
        let idle = Idle::new(Duration::from_millis(30));
        Arc::clone(&idle).put(1);
        Arc::clone(&idle).put(2);
        assert_eq!(idle.take(), Some(2));
        while !idle.waiting.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(idle.take(), None);
    }
}
