//! How far things are from the points of a grid: measured once for each thing and point, however often it is asked.

use nalgebra::Vector2;

/// Metres from one point of the grid to the next.
pub(super) const CELL: f32 = 0.04;
/// Most points that are kept for one thing. A wall around a hall has more: what is asked of it is measured every time.
const MOST: usize = 1 << 18;

/// The point of the grid that is nearest to a place.
pub(super) fn cell(at: Vector2<f32>) -> [i32; 2] {
    [at.x, at.y].map(|v| {
        let v = v / CELL;
        (v + 0.5_f32.copysign(v)) as i32
    })
}

/// Where a point of the grid is, metres.
pub(super) fn place(cell: [i32; 2]) -> Vector2<f32> {
    Vector2::new(cell[0] as f32, cell[1] as f32) * CELL
}

/// A number at each point of the grid within some bounds, once it has been asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    low: [i32; 2],
    size: [usize; 2],
    /// Not a number where nobody has asked yet.
    known: Vec<f32>,
}

impl Grid {
    /// The points between two corners and as far as `about` around them, metres. None of them where they are too many.
    pub fn new([low, high]: [Vector2<f32>; 2], about: f32) -> Self {
        let about = Vector2::repeat(about + CELL);
        let (low, high) = (cell(low - about), cell(high + about));
        let size = [0, 1].map(|i| usize::try_from(high[i].saturating_sub(low[i])).unwrap_or(0) + 1);
        let count = size[0].saturating_mul(size[1]);
        if count > MOST {
            return Self::default();
        }
        Self {
            low,
            size,
            known: vec![f32::NAN; count],
        }
    }

    /// The number at a point, which `measure` tells the first time.
    pub fn at(&mut self, cell: [i32; 2], measure: impl FnOnce() -> f32) -> f32 {
        let along = [0, 1].map(|i| (i64::from(cell[i]) - i64::from(self.low[i])) as usize);
        if along[0] >= self.size[0] || along[1] >= self.size[1] {
            return measure();
        }
        let known = &mut self.known[along[0] * self.size[1] + along[1]];
        if known.is_nan() {
            *known = measure();
        }
        *known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_measured_once_and_one_outside_every_time() {
        let mut grid = Grid::new([Vector2::zeros(), Vector2::new(1.0, 2.0)], 0.3);
        let mut asked = 0;
        for at in [Vector2::new(-0.29, 2.29), Vector2::new(5.0, 0.0)] {
            for _ in 0..3 {
                let measured = grid.at(cell(at), || {
                    asked += 1;
                    at.x
                });
                assert_eq!(measured, at.x);
            }
        }
        assert_eq!(asked, 4);
        let mut none = Grid::new([Vector2::zeros(), Vector2::repeat(1e9)], 0.3);
        assert_eq!(none.at([7, 7], || 2.0), 2.0);
        assert_eq!(none.at([7, 7], || 3.0), 3.0);
    }

    #[test]
    fn the_nearest_point_is_within_half_a_cell() {
        for k in -40..40 {
            let at = Vector2::new(k as f32 * 0.017, k as f32 * -0.033);
            let off = place(cell(at)) - at;
            assert!(off.amax() <= CELL / 2.0 + 1e-5, "{at} {off}");
        }
    }
}
