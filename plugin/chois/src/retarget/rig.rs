//! A rig's tree and bind pose: what can be asked of it, and what cannot be used.

use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};

use super::Rig;
use crate::{Error, Result};

/// Most bones of an avatar.
pub const MAX_BONES: usize = 4096;

/// Scales along the axes of a bone may differ by this share.
const UNIFORM: f32 = 0.01;

/// A bone in the bind pose, in the root's frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Position, the root's units.
    pub position: Vector3<f32>,
    /// Rotation and scale.
    pub linear: Matrix3<f32>,
}

impl Placed {
    /// The rotation without scale. A mirrored bone gives the rotation that its negative is: conjugation, all that is
    /// ever done with it, is the same for both.
    pub fn rotation(&self) -> UnitQuaternion<f32> {
        let scale = self.linear.determinant().cbrt();
        UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(
            self.linear / if scale.abs() > 1e-12 { scale } else { 1.0 },
        ))
    }
}

impl Rig {
    /// Every bone of the bind pose in the root's frame.
    pub fn placed(&self) -> Vec<Placed> {
        let mut out: Vec<Placed> = Vec::with_capacity(self.bones.len());
        for bone in &self.bones {
            let own = bone.rotation.to_rotation_matrix().into_inner()
                * Matrix3::from_diagonal(&bone.scale);
            out.push(match bone.parent.and_then(|p| out.get(p)) {
                Some(parent) => Placed {
                    position: parent.position + parent.linear * bone.translation,
                    linear: parent.linear * own,
                },
                None => Placed {
                    position: bone.translation,
                    linear: own,
                },
            });
        }
        out
    }

    /// How many bones carry skin; all of them where none is said to.
    pub fn skinned(&self) -> usize {
        match self.bones.iter().filter(|b| b.skinned).count() {
            0 => self.bones.len(),
            n => n,
        }
    }

    /// Whether `ancestor` is `bone` or carries it.
    pub fn carries(&self, ancestor: usize, bone: usize) -> bool {
        self.ancestors(bone).any(|b| b == ancestor)
    }

    /// The bone itself, its parent, and so on to the root.
    pub fn ancestors(&self, bone: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(bone), |&b| self.bones[b].parent)
    }

    /// The lowest bone that carries both.
    pub fn common(&self, a: usize, b: usize) -> Option<usize> {
        self.ancestors(a).find(|&x| self.carries(x, b))
    }

    /// Bones strictly between an ancestor and a bone below it, from the top down.
    pub fn between(&self, top: usize, bottom: usize) -> Vec<usize> {
        let mut out: Vec<usize> = self
            .ancestors(bottom)
            .skip(1)
            .take_while(|&b| b != top)
            .collect();
        out.reverse();
        out
    }

    /// The children of every bone.
    pub fn children(&self) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); self.bones.len()];
        for (i, bone) in self.bones.iter().enumerate() {
            if let Some(p) = bone.parent {
                out[p].push(i);
            }
        }
        out
    }

    /// What makes the rig unusable whatever its bones are.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no bone or more than 4096, a parent does not stand before its child, or a number is not finite.
    pub fn check(&self) -> Result<()> {
        if self.bones.is_empty() {
            return Err(Error::invalid(
                "avatar",
                "it has no bones; use a model that is rigged and skinned",
            ));
        }
        if self.bones.len() > MAX_BONES {
            return Err(Error::invalid(
                "avatar",
                format!(
                    "it has {} bones, and {MAX_BONES} are the most; take away those that nothing hangs on",
                    self.bones.len()
                ),
            ));
        }
        for (i, bone) in self.bones.iter().enumerate() {
            if let Some(p) = bone.parent.filter(|p| *p >= i) {
                return Err(Error::invalid(
                    format!("bone {:?}", bone.name),
                    format!(
                        "its parent is number {p}, itself number {i}; parents must stand before their children, so \
                         the bones may hang in a circle: export the model again"
                    ),
                ));
            }
            let numbers = (bone.translation.iter())
                .chain(bone.scale.iter())
                .chain(bone.rotation.coords.iter());
            if numbers.into_iter().any(|v| !v.is_finite() || v.abs() > 1e9) {
                return Err(Error::invalid(
                    format!("bone {:?}", bone.name),
                    "its bind pose holds a number that is not finite; export the model again",
                ));
            }
            let norm = bone.rotation.coords.norm();
            if (norm - 1.0).abs() > 0.01 {
                return Err(Error::invalid(
                    format!("bone {:?}", bone.name),
                    format!("its rotation has norm {norm}, not 1; export the model again"),
                ));
            }
        }
        Ok(())
    }

    /// Whether the scales of all bones above `bone` can be used.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a scale is zero or differs by more than a hundredth between the axes.
    pub fn check_scales_above(&self, bone: usize) -> Result<()> {
        for b in self.ancestors(bone).skip(1) {
            let bone = &self.bones[b];
            let size = bone.scale.abs();
            let (low, high) = (size.min(), size.max());
            let bad = |reason: String| Err(Error::invalid(format!("bone {:?}", bone.name), reason));
            if low < 1e-9 {
                return bad(format!(
                    "its scale is {:?}; bones that carry others need a scale above 0",
                    bone.scale.as_slice()
                ));
            }
            if high > low * (1.0 + UNIFORM) {
                return bad(format!(
                    "its scale {:?} differs between the axes, which would shear what it carries; apply the scale in \
                     the modelling program and export again",
                    bone.scale.as_slice()
                ));
            }
        }
        Ok(())
    }
}
