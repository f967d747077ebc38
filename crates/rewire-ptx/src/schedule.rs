//! In which order warps run and when asynchronous copies happen.
//!
//! A correct kernel gives the same bits under every schedule. The two extremes and a few random
//! seeds find most of what is missing: early copies show data that was still in use, late ones data
//! that nobody waited for.

/// How the freedom of the hardware is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Copies happen at once; warps run in ascending order, each until it has to wait.
    #[default]
    Early,
    /// Copies happen when they are waited for; warps run in descending order.
    Late,
    /// Copies happen, and warps change, at random moments drawn from this seed.
    Seeded(u64),
}

/// Steps of a warp before another one gets its turn, so that a warp may wait for what another
/// writes.
const TURN: u32 = 1 << 16;

/// The choices of a schedule, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    schedule: Schedule,
    state: u64,
}

impl Choices {
    /// The choices for one block; blocks of a seeded schedule differ.
    pub(crate) fn new(schedule: Schedule, block: u32) -> Self {
        let seed = match schedule {
            Schedule::Seeded(seed) => seed,
            _ => 0,
        };
        let state = seed ^ u64::from(block).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Self { schedule, state }
    }

    /// The next of a splitmix64 sequence.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Whether a copy happens as soon as its instruction is executed.
    pub(crate) fn copies_at_once(&mut self) -> bool {
        match self.schedule {
            Schedule::Early => true,
            Schedule::Late => false,
            Schedule::Seeded(_) => self.draw().is_multiple_of(3),
        }
    }

    /// Whether a copy that is under way happens between two turns.
    pub(crate) fn copies_between_turns(&mut self) -> bool {
        matches!(self.schedule, Schedule::Seeded(_)) && self.draw().is_multiple_of(4)
    }

    /// Whether [`Choices::copies_between_turns`] can ever say yes.
    pub(crate) fn is_random(&self) -> bool {
        matches!(self.schedule, Schedule::Seeded(_))
    }

    /// Which of the warps that can run gets the next turn; `last` had the one before.
    pub(crate) fn warp(&mut self, ready: &[usize], last: usize) -> usize {
        let chosen = match self.schedule {
            Schedule::Early => ready.iter().find(|&&warp| warp > last).or(ready.first()),
            Schedule::Late => ready
                .iter()
                .rev()
                .find(|&&warp| warp < last)
                .or(ready.last()),
            Schedule::Seeded(_) => ready.get((self.draw() % ready.len().max(1) as u64) as usize),
        };
        chosen.copied().unwrap_or(0)
    }

    /// How many steps a turn has.
    pub(crate) fn turn(&mut self) -> u32 {
        match self.schedule {
            Schedule::Seeded(_) => 1 + (self.draw() % 64) as u32,
            _ => TURN,
        }
    }
}
