//! Clocks and random numbers that tell an observer when a guest asks.
//!
//! Used only where there is an observer, so that nobody else pays for it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rand_core::TryRng;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, Rng, WasiCtxBuilder};

use crate::component::Component;
use crate::hostcall::{CallContext, Ended, Observer};

#[derive(Clone)]
struct Told {
    observer: Arc<dyn Observer>,
    application: Arc<str>,
    component: Arc<str>,
    generation: u64,
    instance: u64,
}

impl Told {
    /// What is answered at once.
    fn asked(&self, interface: &str, function: &str) {
        let context = CallContext {
            application: &self.application,
            component: &self.component,
            generation: self.generation,
            instance: self.instance,
            call: 0,
            deadline: None,
            trace: None,
            interface,
            function,
        };
        self.observer.told(&context, Ended::Answered, Duration::ZERO);
    }
}

/// Puts observed clocks and generators into a context, if anybody observes.
pub fn observe(builder: &mut WasiCtxBuilder, component: &Component, generation: u64, instance: u64) {
    let Some(observer) = &component.observer else { return };
    let told = Told {
        observer: Arc::clone(observer),
        application: Arc::clone(&component.application),
        component: Arc::clone(&component.id),
        generation,
        instance,
    };
    builder.wall_clock(Wall(wasmtime_wasi::clocks::wall_clock(), told.clone()));
    builder.monotonic_clock(Monotonic(wasmtime_wasi::clocks::monotonic_clock(), told.clone()));
    builder.secure_random(Random(wasmtime_wasi::thread_rng(), told.clone()));
    builder.insecure_random(Random(wasmtime_wasi::thread_rng(), told));
}

struct Wall(Box<dyn HostWallClock + Send>, Told);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        self.0.resolution()
    }

    fn now(&self) -> Duration {
        self.1.asked("wasi:clocks/wall-clock", "now");
        self.0.now()
    }
}

struct Monotonic(Box<dyn HostMonotonicClock + Send>, Told);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        self.0.resolution()
    }

    fn now(&self) -> u64 {
        self.1.asked("wasi:clocks/monotonic-clock", "now");
        self.0.now()
    }
}

struct Random(Box<dyn Rng + Send>, Told);

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.1.asked("wasi:random/random", "get-random-u64");
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.1.asked("wasi:random/random", "get-random-u64");
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.1.asked("wasi:random/random", "get-random-bytes");
        self.0.fill_bytes(bytes);
        Ok(())
    }
}
