//! What one instance may use.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Result, format_err};

/// Handles that an instance may hold at once. What stands behind each is memory of the
/// host, up to some 128 KiB for a set of header fields.
pub const HANDLES: usize = 10_000;

/// Limits of an instance, counted over all its memories and tables together.
#[derive(Clone, Debug)]
pub struct InstanceLimits {
    /// Bytes over all memories.
    pub memory: usize,
    /// Elements over all tables.
    pub table: usize,
    /// Wall clock for one event; None for no limit.
    pub time: Option<Duration>,
    /// Wall clock between two parts of a response that streams on after its
    /// head; between them the guest may compute for `time`.
    pub stream: Option<Duration>,
    /// Fuel for one event, where the engine counts it.
    pub fuel: Option<u64>,
}

impl Default for InstanceLimits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table: 100_000,
            time: Some(Duration::from_secs(30)),
            stream: Some(Duration::from_secs(600)),
            fuel: None,
        }
    }
}

/// Counts growth. The first refusal is kept, to be reported once the guest has
/// dealt with it (it usually aborts).
pub struct Limiter {
    memory: usize,
    memory_limit: usize,
    table: usize,
    table_limit: usize,
    pub refused: Option<(&'static str, String)>,
}

impl Limiter {
    pub fn new(limits: &InstanceLimits) -> Self {
        Self { memory: 0, memory_limit: limits.memory, table: 0, table_limit: limits.table, refused: None }
    }

    fn refuse(&mut self, what: &'static str, limit: String, first: bool) -> Result<bool> {
        let text = format_err!("{what} limit of {limit} exceeded");
        self.refused.get_or_insert((what, limit));
        // What does not even start has no way to notice a refusal.
        if first { Err(text) } else { Ok(false) }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.memory_limit {
            return self.refuse("memory", format!("{} bytes", self.memory_limit), current == 0);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let total = self.table.saturating_add(desired.saturating_sub(current));
        if total > self.table_limit {
            return self.refuse("table", format!("{} elements", self.table_limit), current == 0);
        }
        self.table = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        10_000
    }

    fn tables(&self) -> usize {
        10_000
    }

    fn memories(&self) -> usize {
        10_000
    }
}
