//! Seeded chance. Every resource has a stream of its own, so what happens to one
//! never depends on how many numbers another one drew.
//!
//! Only integers: a chance is "one in n", a choice is an index below n.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// The subject of a stream of chance; part of the stream's number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Tenant,
    Vm,
    Address,
    LoadBalancer,
    PortForwarding,
    VpnUser,
    Template,
    Iso,
    Traffic,
    EventMess,
    SampleMess,
    Lost,
}

/// One stream of chance.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of the `index`th thing of a subject under a seed.
    pub(crate) fn new(seed: u64, subject: Subject, index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(((subject as u64) << 32) | u64::from(index));
        Self(rng)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let scaled = u128::from(self.0.next_u64()) * u128::from(limit);
        u64::try_from(scaled >> 64).expect("the upper half of 128 bits fits in 64")
    }

    /// A number from `least` to `most`, both inclusive.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// As [`Dice::below`], for times in milliseconds.
    pub(crate) fn below_ms(&mut self, limit_ms: i64) -> i64 {
        let limit = u64::try_from(limit_ms).unwrap_or(0);
        i64::try_from(self.below(limit)).expect("below an i64")
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of the items.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// An index below `len`.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let limit = u64::try_from(len).expect("a length fits in 64 bits");
        usize::try_from(self.below(limit)).expect("below a usize")
    }

    /// One of the items, each as likely as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(u64, T)]) -> T {
        let mut point = self.below(items.iter().map(|(weight, _)| weight).sum());
        for &(weight, item) in items {
            if point < weight {
                return item;
            }
            point -= weight;
        }
        unreachable!("the point lies below the sum of the weights")
    }
}
