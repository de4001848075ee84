//! How much of an application runs at once. Its counters outlive generations:
//! what an old one still runs counts against the new one.
//!
//! A request that finds no slot waits in a bounded queue, first come first
//! served, and is refused when the queue is full or its patience ends. A chained
//! call never waits, since its caller holds a slot: beyond the limit it may use
//! slots reserved for such calls, and fails when those are taken too.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Seconds between two reports of the same application.
const REPORT_EVERY: u64 = 10;

static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Limits of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Instances at work at once.
    pub instances: usize,
    /// Requests that may wait for one.
    pub queue: usize,
    /// How long a request waits.
    pub patience: Duration,
    /// Instances beyond `instances` for chained calls only.
    pub reserved: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self { instances: 1000, queue: 1000, patience: Duration::from_secs(10), reserved: 100 }
    }
}

/// The slots of one application.
#[derive(Default)]
pub struct Admission {
    running: AtomicUsize,
    waiting: AtomicUsize,
    instances: AtomicUsize,
    reserved: AtomicUsize,
    rules: Mutex<Rules>,
    refused: AtomicU64,
    queued: AtomicU64,
    /// Second after which the next report is due.
    report: AtomicU64,
}

#[derive(Default)]
struct Rules {
    limits: AdmissionLimits,
    queue: VecDeque<oneshot::Sender<Permit>>,
}

/// A slot; given back when dropped.
pub struct Permit(Option<Arc<Admission>>);

/// There was no slot, and none came free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What happened since the last report, when one is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    pub limit: usize,
    pub queued: u64,
    pub refused: u64,
}

impl Admission {
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        let admission = Arc::new(Self::default());
        admission.set_limits(limits);
        admission
    }

    /// Changes the limits in place; what runs is not touched.
    pub fn set_limits(self: &Arc<Self>, limits: AdmissionLimits) {
        self.instances.store(limits.instances, Ordering::SeqCst);
        self.reserved.store(limits.reserved, Ordering::SeqCst);
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).limits = limits;
        self.hand_out();
    }

    /// Instances at work, and requests that wait.
    pub fn load(&self) -> (usize, usize) {
        (self.running.load(Ordering::Relaxed), self.waiting.load(Ordering::Relaxed))
    }

    fn take(self: &Arc<Self>, limit: usize) -> Option<Permit> {
        if self.running.fetch_add(1, Ordering::SeqCst) < limit {
            return Some(Permit(Some(Arc::clone(self))));
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        None
    }

    /// A slot at once, if nobody waits for one.
    pub fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.take(self.instances.load(Ordering::Relaxed))
    }

    /// A slot, waiting for it if need be.
    pub async fn enter(self: &Arc<Self>) -> Result<Permit, Refused> {
        match self.try_enter() {
            Some(permit) => Ok(permit),
            None => self.wait().await,
        }
    }

    /// A slot for a chained call: at once or never.
    pub fn enter_chained(self: &Arc<Self>) -> Result<Permit, Refused> {
        let limit = self.instances.load(Ordering::Relaxed).saturating_add(self.reserved.load(Ordering::Relaxed));
        self.take(limit).ok_or_else(|| self.refuse())
    }

    fn refuse(&self) -> Refused {
        self.refused.fetch_add(1, Ordering::Relaxed);
        Refused
    }

    async fn wait(self: &Arc<Self>) -> Result<Permit, Refused> {
        let (receiver, patience) = {
            let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
            if rules.queue.len() >= rules.limits.queue {
                let before = rules.queue.len();
                rules.queue.retain(|sender| !sender.is_closed());
                self.waiting.fetch_sub(before - rules.queue.len(), Ordering::SeqCst);
                if rules.queue.len() >= rules.limits.queue {
                    return Err(self.refuse());
                }
            }
            // Whoever gives a slot back looks for waiting ones after it has
            // done so; this one looks for a slot after it is seen to wait.
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let (sender, receiver) = oneshot::channel();
            rules.queue.push_back(sender);
            (receiver, rules.limits.patience)
        };
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.hand_out();
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.refuse()),
        }
    }

    /// Gives free slots to those that wait.
    fn hand_out(self: &Arc<Self>) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut unwanted = Vec::new();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = rules.queue.front() {
            if !sender.is_closed() {
                let Some(permit) = self.take(self.instances.load(Ordering::Relaxed)) else { break };
                if let Some(sender) = rules.queue.pop_front()
                    && let Err(permit) = sender.send(permit)
                {
                    // Given back when the lock is: doing so takes it again.
                    unwanted.push(permit);
                }
            } else {
                rules.queue.pop_front();
            }
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        drop(rules);
    }

    /// What to report of waiting and refused requests, not more often than
    /// every ten seconds.
    pub fn pressure(&self) -> Option<Pressure> {
        let now = BASE.elapsed().as_secs();
        let due = self.report.load(Ordering::Relaxed);
        if now < due
            || self.report.compare_exchange(due, now + REPORT_EVERY, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return None;
        }
        Some(Pressure {
            limit: self.instances.load(Ordering::Relaxed),
            queued: self.queued.swap(0, Ordering::Relaxed),
            refused: self.refused.swap(0, Ordering::Relaxed),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.running.fetch_sub(1, Ordering::SeqCst);
            admission.hand_out();
        }
    }
}

/// The admissions of a host, by application.
#[derive(Default)]
pub struct Admissions(Mutex<HashMap<String, Arc<Admission>>>);

impl Admissions {
    /// The slots of an application, made when it is first seen.
    pub fn of(&self, application: &str) -> Arc<Admission> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(admission) = known.get(application) {
            return Arc::clone(admission);
        }
        let admission = Admission::new(AdmissionLimits::default());
        known.insert(application.to_owned(), Arc::clone(&admission));
        admission
    }

    /// Forgets applications that nothing holds any more.
    pub fn prune(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, admission| Arc::strong_count(admission) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(instances: usize, queue: usize, patience: u64) -> AdmissionLimits {
        AdmissionLimits { instances, queue, patience: Duration::from_millis(patience), reserved: 1 }
    }

    #[tokio::test]
    async fn beyond_the_limit_requests_queue_in_order_and_then_are_refused() {
        let admission = Admission::new(limits(1, 2, 5000));
        let held = admission.enter().await.ok().unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..2 {
            let (admission, order) = (Arc::clone(&admission), Arc::clone(&order));
            let known = admission.load().1;
            let seen = Arc::clone(&admission);
            waiting.push(tokio::spawn(async move {
                let permit = admission.enter().await;
                order.lock().unwrap().push(number);
                drop(permit);
            }));
            while seen.load().1 == known {
                tokio::task::yield_now().await;
            }
        }
        assert!(admission.enter().await.is_err());
        drop(held);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1]);
        assert_eq!(admission.load(), (0, 0));
        let pressure = admission.pressure().unwrap();
        assert_eq!((pressure.queued, pressure.refused), (2, 1));
        assert_eq!(admission.pressure(), None);
    }

    #[tokio::test]
    async fn chained_calls_use_reserved_slots_and_never_wait() {
        let admission = Admission::new(limits(1, 8, 5000));
        let held = admission.try_enter();
        let chained = admission.enter_chained();
        assert!(held.is_some() && chained.is_ok());
        assert!(admission.enter_chained().is_err());
        assert!(admission.try_enter().is_none());
    }

    #[tokio::test]
    async fn patience_ends_and_who_goes_away_leaves_no_trace() {
        let admission = Admission::new(limits(1, 1, 5));
        let held = admission.try_enter();
        assert!(admission.enter().await.is_err());
        // The place of the one that gave up is taken by the next.
        assert!(admission.enter().await.is_err());
        drop(held);
        assert_eq!(admission.load(), (0, 0));
        assert!(admission.try_enter().is_some());
    }

    #[tokio::test]
    async fn raised_limits_let_those_in_who_wait() {
        let admission = Admission::new(limits(0, 1, 5000));
        let waiting = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.enter().await.is_ok() }
        });
        while admission.load().1 == 0 {
            tokio::task::yield_now().await;
        }
        admission.set_limits(limits(1, 1, 5000));
        assert!(waiting.await.unwrap());
    }
}
