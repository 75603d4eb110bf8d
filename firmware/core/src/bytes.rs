//! Little-endian reading and writing without a way to panic.

use heapless::Vec;

/// Appends numbers to a value of at most `N` bytes. What would not fit is left out whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer<const N: usize>(Vec<u8, N>);

impl<const N: usize> Writer<N> {
    /// An empty value.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Append bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        // A full value stays as it is: every caller's `N` is the length of its longest value.
        let _ = self.0.extend_from_slice(bytes);
        self
    }

    /// Append one byte.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// Append two bytes.
    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Append the lower three bytes; two's complement stays two's complement.
    #[must_use]
    pub fn u24(self, value: u32) -> Self {
        let [low, middle, high, _] = value.to_le_bytes();
        self.bytes(&[low, middle, high])
    }

    /// Append four bytes.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// The value.
    #[must_use]
    pub fn finish(self) -> Vec<u8, N> {
        self.0
    }
}

/// Takes numbers off the front of a value; `None` where it is too short.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Take `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    /// Take one byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    /// Take two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Take three bytes.
    pub fn u24(&mut self) -> Option<u32> {
        self.array().map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }

    /// Take three bytes in two's complement.
    pub fn i24(&mut self) -> Option<i32> {
        self.array().map(|[low, middle, high]| i32::from_le_bytes([0, low, middle, high]) >> 8)
    }

    /// Take four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Take four bytes, signed.
    pub fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    /// Take four bytes, IEEE 754.
    pub fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    /// What is left.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }
}
