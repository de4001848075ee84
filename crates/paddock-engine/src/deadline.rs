//! A point in time that several parts watch and one of them may move.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);
const NEVER: u64 = u64::MAX;

/// When an event's time is over. Clones share the point: the body of a
/// streamed response moves it on while the guest's epoch callback reads it.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    point: AtomicU64,
    /// Epoch ticks that found the guest computing since the point was moved.
    busy: AtomicU32,
    /// How long the guest may compute in that time, in nanoseconds.
    budget: AtomicU64,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER - 1)
}

impl Deadline {
    pub fn after(time: Option<Duration>) -> Self {
        let deadline = Self(Arc::new(Inner {
            point: AtomicU64::new(NEVER),
            busy: AtomicU32::new(0),
            budget: AtomicU64::new(NEVER),
        }));
        deadline.begin(time);
        deadline
    }

    /// A new event with a limit of its own: `time` from now, and as much to compute.
    pub fn begin(&self, time: Option<Duration>) {
        self.0.budget.store(time.map_or(NEVER, nanos), Ordering::Relaxed);
        self.extend(time);
    }

    /// Moves it to `time` from now; None for never.
    pub fn extend(&self, time: Option<Duration>) {
        let point = time.map_or(NEVER, |time| nanos(BASE.elapsed()).saturating_add(nanos(time)));
        self.0.point.store(point, Ordering::Relaxed);
        self.0.busy.store(0, Ordering::Relaxed);
    }

    pub fn passed(&self) -> bool {
        let point = self.0.point.load(Ordering::Relaxed);
        point != NEVER && nanos(BASE.elapsed()) >= point
    }

    /// Counts a tick that found the guest computing; whether it has computed too
    /// long, which bounds a guest whose response streams on.
    pub fn busy(&self, tick: Duration) -> bool {
        let ticks = self.0.busy.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let budget = self.0.budget.load(Ordering::Relaxed);
        budget != NEVER && nanos(tick.saturating_mul(ticks)) > budget
    }

    pub fn instant(&self) -> Option<Instant> {
        let point = self.0.point.load(Ordering::Relaxed);
        (point != NEVER).then(|| *BASE + Duration::from_nanos(point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_deadline_is_seen_by_every_clone() {
        let deadline = Deadline::after(Some(Duration::ZERO));
        let seen = deadline.clone();
        assert!(seen.passed());
        deadline.extend(Some(Duration::from_secs(9)));
        assert!(!seen.passed());
        deadline.extend(None);
        assert_eq!(seen.instant(), None);
    }
}
