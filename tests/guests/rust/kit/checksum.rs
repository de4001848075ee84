//! Bytes that can be made and told apart again without keeping them.
#![allow(dead_code)]

/// `count` letters of a to z over and over, from the one at `at`.
pub fn letters(at: usize, count: usize) -> Vec<u8> {
    (at..at + count).map(|index| b'a' + (index % 26) as u8).collect()
}

/// FNV-1a of 64 bits, and how many bytes there were.
pub struct Sum {
    bytes: u64,
    hash: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { bytes: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Sum {
    pub fn add(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        for byte in part {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    pub fn shown(&self) -> String {
        format!("{} bytes, {:016x}\n", self.bytes, self.hash)
    }
}
