//! `wasmcloud:keyvalue@0.2.0`: names and types as in that package's WIT.

use wasmtime::component::Resource;

use super::Binder;
use super::shapes::{payload, record, variant};
use super::typed::Handle;

type Bucket = Resource<Handle>;

variant!(Error {
    NoSuchStore = "no-such-store",
    AccessDenied = "access-denied",
    InvalidArgument = "invalid-argument",
    PreconditionFailed = "precondition-failed",
    Timeout = "timeout",
    StoreUnavailable = "store-unavailable",
    QuotaExceeded = "quota-exceeded",
    Other(String) = "other",
});

record!(KeyResponse { keys: Vec<String> = "keys", cursor: Option<String> = "cursor" });
record!(SetOptions { ttl_ms: Option<u64> = "ttl-ms", if_not_exists: bool = "if-not-exists" });

record!(Entry { value: Vec<u8> = "value", version: String = "version" });
record!(CasOptions {
    require_version: Option<String> = "require-version",
    require_value: Option<Vec<u8>> = "require-value",
});
variant!(CasResult { Swapped = "swapped", Stale(Option<Entry>) = "stale" });

/// False when it is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("wasmcloud:keyvalue/types", "0.2.0") => bucket(b)?,
        ("wasmcloud:keyvalue/store", "0.2.0") => b.async_func::<(String,), Result<Bucket, Error>>("open")?,
        ("wasmcloud:keyvalue/atomics", "0.2.0") => {
            b.async_func::<(Bucket, String, i64), Result<i64, Error>>("increment")?;
        }
        ("wasmcloud:keyvalue/cas", "0.2.0") => {
            b.async_func::<(Bucket, String), Result<Option<Entry>, Error>>("current")?;
            b.async_func::<(Bucket, String, Vec<u8>, CasOptions), Result<CasResult, Error>>("swap")?;
        }
        ("wasmcloud:keyvalue/batch", "0.2.0") => {
            type Found = Vec<Option<(String, Vec<u8>)>>;
            b.async_func::<(Bucket, Vec<String>), Result<Found, Error>>("get-many")?;
            b.async_func::<(Bucket, Vec<(String, Vec<u8>)>), Result<(), Error>>("set-many")?;
            b.async_func::<(Bucket, Vec<String>), Result<(), Error>>("delete-many")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn bucket(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("bucket")?;
    b.async_func::<(Bucket, String), Result<Option<Vec<u8>>, Error>>("[method]bucket.get")?;
    b.async_func::<(Bucket, String, Vec<u8>, Option<SetOptions>), Result<(), Error>>("[method]bucket.set")?;
    b.async_func::<(Bucket, String), Result<(), Error>>("[method]bucket.delete")?;
    b.async_func::<(Bucket, String), Result<bool, Error>>("[method]bucket.exists")?;
    b.async_func::<(Bucket, Option<String>, Option<String>), Result<KeyResponse, Error>>("[method]bucket.list-keys")
}
