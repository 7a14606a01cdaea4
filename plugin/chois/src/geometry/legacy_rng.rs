//! NumPy's legacy random numbers, as far as the published basis point set needs them.
//!
//! The published table of 1,024 points is `numpy.random` with seed 13 and nothing else. Drawing it again costs a
//! hundred lines and no file; no crate promises NumPy's legacy stream.

const N: usize = 624;
const M: usize = 397;

/// `numpy.random.RandomState(seed)`: a 32-bit Mersenne Twister with the legacy (polar) normal distribution.
pub(super) struct LegacyRandom {
    state: [u32; N],
    next: usize,
    /// The second of a pair of normal numbers, waiting for its turn.
    spare: Option<f64>,
}

impl LegacyRandom {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(i as u32);
        }
        Self {
            state,
            next: N,
            spare: None,
        }
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let joined =
                    (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (joined >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in [0, 1) with 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Standard normal by the polar method; the second of each pair is drawn first.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(factor * x);
                return factor * y;
            }
        }
    }
}
