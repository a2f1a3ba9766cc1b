//! Seeded chance: a stream for each tenant and moment, so that what one does never
//! depends on how often another one drew. Only integers.

use cloudtally_model::Instant;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// One stream of chance.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a tenant at a moment, under a seed.
    pub(super) fn new(seed: u64, tenant: usize, at: Instant) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // 44 bits of milliseconds reach into the year 2527.
        let tenant = u64::try_from(tenant).unwrap_or(u64::MAX);
        rng.set_stream((tenant << 44) ^ at.as_millis().cast_unsigned());
        Self(rng)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let scaled = u128::from(self.0.next_u64()) * u128::from(limit);
        u64::try_from(scaled >> 64).expect("the upper half of 128 bits fits in 64")
    }

    /// As [`Chance::below`], for times in milliseconds.
    pub(super) fn below_ms(&mut self, limit_ms: i64) -> i64 {
        i64::try_from(self.below(limit_ms.unsigned_abs())).expect("below an i64")
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of several, if there are any.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(u64::try_from(from.len()).unwrap_or(u64::MAX));
        from.get(usize::try_from(at).ok()?)
    }
}
