//! Compiled code on disk, authenticated with the user's key.
//!
//! An entry is `MAC || code`, where MAC is BLAKE3 keyed with the user's key over
//! the entry's name and the code. A digest alone would prove nothing: who can
//! write the file can write the digest. What does not verify is compiled anew.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::options::CacheOptions;

const MAC: usize = blake3::OUT_LEN;

pub struct Cache {
    options: CacheOptions,
}

impl Cache {
    pub fn new(options: CacheOptions) -> Self {
        Self { options }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.options.directory.join(name)
    }

    fn mac(&self, name: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.options.key);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(code);
        hasher.finalize()
    }

    /// The code of an entry, or None if it is absent, damaged or foreign.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut entry = fs::read(self.path(name)).ok()?;
        let mac: [u8; MAC] = entry.get(..MAC)?.try_into().ok()?;
        // `blake3::Hash` compares in constant time.
        if self.mac(name, entry.get(MAC..)?) != blake3::Hash::from_bytes(mac) {
            return None;
        }
        entry.drain(..MAC);
        Some(entry)
    }

    /// Writes an entry so that readers see all of it or nothing. A cache that
    /// can't be written costs time, never an answer, so the caller may ignore
    /// the error.
    pub fn write(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        create_private(&self.options.directory)?;
        let path = self.path(name);
        let part = path.with_extension(format!("part-{}", std::process::id()));
        let mut file = private_file(&part)?;
        file.write_all(self.mac(name, code).as_bytes())?;
        file.write_all(code)?;
        drop(file);
        fs::rename(&part, &path).inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
    }
}

#[cfg(unix)]
fn create_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(directory: &Path, key: u8) -> Cache {
        Cache::new(CacheOptions { directory: directory.into(), key: [key; 32] })
    }

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("paddock-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn an_entry_is_read_back_with_the_same_key() {
        let directory = scratch("same");
        cache(&directory, 1).write("a", b"code").unwrap();
        assert_eq!(cache(&directory, 1).read("a").as_deref(), Some(&b"code"[..]));
        assert_eq!(cache(&directory, 1).read("b"), None);
    }

    #[test]
    fn a_foreign_damaged_renamed_or_truncated_entry_is_not_trusted() {
        let directory = scratch("foreign");
        cache(&directory, 1).write("a", b"code").unwrap();
        assert_eq!(cache(&directory, 2).read("a"), None);
        fs::copy(directory.join("a"), directory.join("b")).unwrap();
        assert_eq!(cache(&directory, 1).read("b"), None);
        let mut bytes = fs::read(directory.join("a")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(directory.join("a"), &bytes).unwrap();
        assert_eq!(cache(&directory, 1).read("a"), None);
        fs::write(directory.join("a"), &bytes[..7]).unwrap();
        assert_eq!(cache(&directory, 1).read("a"), None);
    }
}
