//! Curves through keys that never go beyond what the keys on both sides say.

/// Piecewise cubic through keys (Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal.
/// 1980, with the harmonic mean of Fritsch and Butland): between two keys it stays between their values, and where keys
/// rise it rises. Constant beyond both ends.
pub struct Monotone {
    keys: Vec<[f64; 2]>,
    slopes: Vec<f64>,
}

impl Monotone {
    /// Through `[x, y]`, x rising. At least one.
    pub fn through(keys: Vec<[f64; 2]>) -> Self {
        let secant = |i: usize| (keys[i + 1][1] - keys[i][1]) / (keys[i + 1][0] - keys[i][0]);
        let last = keys.len().saturating_sub(1);
        let slopes = (0..keys.len())
            .map(|i| {
                if last == 0 {
                    return 0.0;
                }
                if i == 0 {
                    return secant(0);
                }
                if i == last {
                    return secant(last - 1);
                }
                let (a, b) = (secant(i - 1), secant(i));
                if a * b <= 0.0 {
                    return 0.0;
                }
                let (before, after) = (keys[i][0] - keys[i - 1][0], keys[i + 1][0] - keys[i][0]);
                let (wa, wb) = (2.0 * after + before, after + 2.0 * before);
                (wa + wb) / (wa / a + wb / b)
            })
            .collect();
        Self { keys, slopes }
    }

    /// The same, at rest at both ends.
    pub fn resting(keys: Vec<[f64; 2]>) -> Self {
        let mut curve = Self::through(keys);
        if let Some(first) = curve.slopes.first_mut() {
            *first = 0.0;
        }
        if let Some(last) = curve.slopes.last_mut() {
            *last = 0.0;
        }
        curve
    }

    /// Value at `x`.
    pub fn at(&self, x: f64) -> f64 {
        let keys = &self.keys;
        let i = keys.partition_point(|k| k[0] <= x);
        if i == 0 {
            return keys[0][1];
        }
        if i == keys.len() {
            return keys[i - 1][1];
        }
        let ([x0, y0], [x1, y1]) = (keys[i - 1], keys[i]);
        let h = x1 - x0;
        let u = (x - x0) / h;
        let (a, b) = (self.slopes[i - 1] * h, self.slopes[i] * h);
        let rest = 1.0 - u;
        // Written so that equal slopes give a straight line exactly.
        y0 + (y1 - y0) * u + u * rest * (rest * (a - (y1 - y0)) - u * (b - (y1 - y0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_its_keys_and_never_turns_back() {
        let keys = vec![[0.0, 0.0], [1.0, 0.1], [1.5, 3.0], [4.0, 3.2]];
        let curve = Monotone::through(keys.clone());
        for [x, y] in keys {
            assert!((curve.at(x) - y).abs() < 1e-12);
        }
        let values: Vec<f64> = (0..=400).map(|i| curve.at(i as f64 / 100.0)).collect();
        assert!(values.windows(2).all(|w| w[1] >= w[0]));
        let line = Monotone::through(vec![[0.0, 0.0], [2.0, 2.0]]);
        assert!((0..20).all(|i| line.at(i as f64 / 10.0) == i as f64 / 10.0));
        let hill = Monotone::resting(vec![[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]);
        assert!((0..=200).all(|i| (0.0..=1.0).contains(&hill.at(i as f64 / 100.0))));
        assert_eq!((hill.at(-1.0), hill.at(9.0)), (0.0, 0.0));
    }
}
