//! Where handles snap to.

use nalgebra::Vector2;

/// Where handles snap to. Ctrl while dragging does the other thing, as in Blender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snap {
    /// Whether places and turns snap.
    pub on: bool,
    /// Distance of the places that are snapped to, metres.
    pub grid: f32,
    /// The same of turns, degrees.
    pub angle: f32,
    /// Whether objects stand on what is under the cursor: floor, table, sofa.
    pub surface: bool,
}

impl Default for Snap {
    fn default() -> Self {
        Self {
            on: false,
            grid: 0.1,
            angle: 15.0,
            surface: true,
        }
    }
}

impl Snap {
    /// With or without, as `inverted` by a key.
    pub fn inverted(self, inverted: bool) -> Self {
        Self {
            on: self.on != inverted,
            ..self
        }
    }

    /// A place on the floor, metres.
    pub fn place(&self, at: Vector2<f32>) -> Vector2<f32> {
        at.map(|v| self.to(v, self.grid))
    }

    /// A height, metres.
    pub fn height(&self, height: f32) -> f32 {
        self.to(height, self.grid / 2.0)
    }

    /// A turn, degrees, brought to between -180 and 180.
    pub fn turn(&self, degrees: f32) -> f32 {
        let turn = self.to(degrees, self.angle);
        180.0 - (180.0 - turn).rem_euclid(360.0)
    }

    fn to(&self, value: f32, step: f32) -> f32 {
        if self.on && step > 0.0 {
            (value / step).round() * step
        } else {
            value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapping_goes_to_the_nearest_and_ctrl_inverts_it() {
        let off = Snap::default();
        let on = off.inverted(true);
        let at = Vector2::new(0.449, -1.06);
        assert_eq!(off.place(at), at);
        assert!((on.place(at) - Vector2::new(0.4, -1.1)).norm() < 1e-6);
        assert!((on.height(0.43) - 0.45).abs() < 1e-6);
        assert_eq!(on.turn(97.0), 90.0);
        assert_eq!(on.turn(191.0), -165.0);
        assert_eq!(off.turn(-180.0), 180.0);
        assert_eq!(on.inverted(true), off);
    }
}
