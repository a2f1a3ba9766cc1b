//! Units of sizes.

/// Bytes of one GiB.
pub(crate) const GIB: i64 = 1 << 30;

/// Whole GiB that hold so many bytes.
pub(crate) fn gib(bytes: i64) -> i64 {
    (bytes.max(0) + GIB - 1) / GIB
}
