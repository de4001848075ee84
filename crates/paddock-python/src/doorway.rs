//! The two doors between Rust and Python. Nothing else in this crate attaches
//! to the interpreter or lets go of it.

use pyo3::prelude::*;

/// Enters Python from a thread of the core; None once the interpreter ends.
/// No Rust lock may be held.
pub fn enter<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    Python::try_attach(work)
}

/// Lets other Python threads run while `work` blocks.
pub fn leave<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    py.detach(work)
}

/// Gives this thread a Python thread state of its own until [`unpin`]: making
/// one for each call would cost more than the call.
#[allow(unsafe_code)]
pub fn pin() {
    enter(|_| {
        // SAFETY: the thread is attached; the extra reference only keeps its
        // state alive after `enter` has given the lock back.
        let _ = unsafe { pyo3::ffi::PyGILState_Ensure() };
    });
}

/// Undoes [`pin`] on a thread that ends.
#[allow(unsafe_code)]
pub fn unpin() {
    enter(|_| {
        // SAFETY: pairs with the reference taken in `pin` on this thread, whose
        // state was attached (LOCKED) at that time.
        unsafe { pyo3::ffi::PyGILState_Release(pyo3::ffi::PyGILState_STATE::PyGILState_LOCKED) };
    });
}
