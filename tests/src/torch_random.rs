//! PyTorch's random numbers on the CPU, bit for bit, so that large random inputs of golden files need not be stored.
//!
//! The generator is the 32-bit Mersenne Twister; a float takes the low 24 bits of one word. Normal numbers come in
//! groups of 16: eight radii and eight angles (Box and Muller). Logarithm, sine and cosine are the polynomials of
//! Cephes in the single-precision form that PyTorch's AVX2 build uses (J. Pommier's `sse_mathfun`, G. Garberoglio's
//! `avx_mathfun`), rounded where that build rounds: products that its compiler fuses with a sum are fused here. Plain
//! Rust, so the numbers do not depend on the processor, unlike those of `torch.randn`.

const N: usize = 624;
const M: usize = 397;

/// The generator behind `torch.manual_seed(seed)`, for seeds of 32 bits.
pub struct TorchRandom {
    state: [u32; N],
    next: usize,
}

impl TorchRandom {
    /// A generator as `torch.manual_seed` leaves it.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    /// Passes over `words` words.
    pub fn skip(&mut self, words: usize) {
        for _ in 0..words {
            self.word();
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

    /// Uniform in [0, 1) with 24 bits.
    fn unit(&mut self) -> f32 {
        (self.word() & 0x00ff_ffff) as f32 * (1.0 / 16_777_216.0)
    }

    /// `Tensor.uniform_(low, high)` of `count` values.
    pub fn uniform(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count)
            .map(|_| self.unit().mul_add(high - low, low))
            .collect()
    }

    /// `torch.randn(count)`, from 16 values on (PyTorch draws fewer in another way).
    ///
    /// # Panics
    /// When `count` is less than 16.
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        assert!(
            count >= 16,
            "fewer than 16 normal numbers are drawn otherwise"
        );
        let mut out: Vec<f32> = (0..count).map(|_| self.unit()).collect();
        for group in out.as_chunks_mut::<16>().0 {
            normal_group(group);
        }
        if !count.is_multiple_of(16) {
            // The last 16 are drawn anew.
            let mut group = std::array::from_fn(|_| self.unit());
            normal_group(&mut group);
            out[count - 16..].copy_from_slice(&group);
        }
        out
    }
}

/// Eight radii and eight angles, each in [0, 1), become 16 normal numbers.
fn normal_group(group: &mut [f32; 16]) {
    for j in 0..8 {
        let radius = (-2.0 * ln(1.0 - group[j])).sqrt();
        let (sin, cos) = sin_cos(std::f32::consts::TAU * group[j + 8]);
        // The sum turns -0 into +0, as the fused multiply-add with mean 0 does.
        group[j] = radius * cos + 0.0;
        group[j + 8] = radius * sin + 0.0;
    }
}

/// Natural logarithm of a normal positive number.
fn ln(x: f32) -> f32 {
    const P: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let bits = x.to_bits();
    let mut e = ((bits >> 23) as i32 - 127) as f32 + 1.0;
    let mut x = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    if x < std::f32::consts::FRAC_1_SQRT_2 {
        e -= 1.0;
        x = (x - 1.0) + x;
    } else {
        x -= 1.0;
    }
    let z = x * x;
    let y = P[1..].iter().fold(P[0], |y, p| y.mul_add(x, *p)) * x;
    let y = y.mul_add(z, e * -2.121_944_4e-4);
    let y = (-z).mul_add(0.5, y);
    e.mul_add(0.693_359_4, x + y)
}

/// Sine and cosine of an angle that is not negative, radians.
fn sin_cos(x: f32) -> (f32, f32) {
    let octant = ((x * 1.273_239_5) as i32 + 1) & !1;
    let y = octant as f32;
    let x = y.mul_add(-0.785_156_25, x);
    let x = y.mul_add(-2.418_756_5e-4, x);
    let x = y.mul_add(-3.774_895e-8, x);
    let z = x * x;
    let c = 2.443_315_7e-5_f32.mul_add(z, -1.388_731_6e-3);
    let c = c.mul_add(z, 4.166_664_6e-2) * z;
    let c = c.mul_add(z, -(z * 0.5)) + 1.0;
    let s = (-1.951_529_6e-4_f32).mul_add(z, 8.332_161e-3);
    let s = s.mul_add(z, -1.666_665_5e-1) * z;
    let s = s.mul_add(x, x);
    let (s, c) = if octant & 2 == 0 { (s, c) } else { (c, s) };
    (
        if octant & 4 == 0 { s } else { -s },
        if (octant - 2) & 4 == 0 { -c } else { c },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_published_ones() {
        // The reference implementation's first words for its usual seed.
        let mut random = TorchRandom::new(5489);
        assert_eq!([random.word(), random.word()], [3_499_211_612, 581_869_302]);
        random.skip(9997);
        assert_eq!(random.word(), 4_123_659_995);
    }

    #[test]
    fn polynomials_are_the_functions() {
        for i in 1..2000 {
            let x = i as f32 / 2000.0;
            assert!(
                (ln(x) - x.ln()).abs() < 2e-6 * (1.0 + x.ln().abs()),
                "ln {x}"
            );
            let (s, c) = sin_cos(x * std::f32::consts::TAU);
            let (ws, wc) = (x * std::f32::consts::TAU).sin_cos();
            assert!((s - ws).abs() < 1e-6 && (c - wc).abs() < 1e-6, "angle {x}");
        }
    }
}
