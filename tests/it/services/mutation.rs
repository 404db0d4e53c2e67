//! Every cut and every flipped bit of a file, on all processors.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// What was done to a file.
#[derive(Clone, Copy, Debug)]
pub enum Mutation {
    /// Only so many bytes are left.
    Cut(usize),
    /// This byte was changed by these bits.
    Flip(usize, u8),
}

impl Mutation {
    /// The bytes as they are now.
    pub fn of(self, whole: &[u8]) -> Vec<u8> {
        match self {
            Self::Cut(length) => whole[..length].to_vec(),
            Self::Flip(at, bits) => {
                let mut bytes = whole.to_vec();
                bytes[at] ^= bits;
                bytes
            }
        }
    }
}

/// A cut before every byte, and a flip of every byte: of one bit each, which is another for every byte, or
/// of all eight when `MUTATE_BITS=8` asks for it.
pub fn all(whole: &[u8]) -> Vec<Mutation> {
    let eight = std::env::var("MUTATE_BITS").is_ok_and(|bits| bits == "8");
    let flips = (0..whole.len()).flat_map(|at| {
        let bits = if eight { 0..8 } else { at % 8..at % 8 + 1 };
        bits.map(move |bit| Mutation::Flip(at, 1 << bit))
    });
    (0..whole.len()).map(Mutation::Cut).chain(flips).collect()
}

/// Calls `judge` for each mutation, in as many threads as there are processors; each has a `bench` of its
/// own, made by `set_up`.
pub fn each<B>(
    mutations: &[Mutation],
    set_up: impl Fn() -> B + Sync,
    judge: impl Fn(&B, Mutation) + Sync,
) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let bench = set_up();
                while let Some(mutation) = mutations.get(next.fetch_add(1, SeqCst)) {
                    judge(&bench, *mutation);
                }
            });
        }
    });
}
