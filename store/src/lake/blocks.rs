//! Checksums of the blocks of a file, so that just what is read of it need be verified.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a block; the last one of a file may be shorter.
pub(crate) const BLOCK_BYTES: usize = 16 * 1024;

/// The checksums of a file's blocks as the catalogue keeps them: 8 bytes each,
/// little-endian, in order.
pub(crate) fn checksums(content: &[u8]) -> Vec<u8> {
    content.chunks(BLOCK_BYTES).flat_map(|block| xxh3_64(block).to_le_bytes()).collect()
}
