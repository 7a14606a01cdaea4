//! Where one window of a long sequence ends and the next begins (specification, section 9, steps 1 to 10).

use nalgebra::{UnitQuaternion, Vector3};

use super::blend;
use super::canonical::Canonical;
use super::features::Window;
use crate::error::{Error, Result};

/// The last frames of a sequence, seen from the next window's canonical frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Seam {
    /// From the sequence's frame to the next window's.
    pub canonical: Canonical,
    /// The overlapping frames in the next window's frame.
    pub overlap: Window,
    /// Where the pelvis was at the first overlapping frame, sequence frame.
    pelvis: Vector3<f32>,
}

impl Seam {
    /// The seam after a sequence, `overlap` frames before its end. `trans2joint` is the subject's offset from pelvis to
    /// SMPL translation, zero for subjects of our own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the sequence is shorter than the overlap or there is no overlap.
    pub fn new(sequence: &Window, overlap: usize, trans2joint: &Vector3<f32>) -> Result<Self> {
        let from = match sequence.len().checked_sub(overlap) {
            Some(from) if overlap > 0 => from,
            _ => {
                return Err(Error::invalid(
                    "overlap",
                    format!(
                        "{overlap} frames of a sequence of {}; give at least one and no more than there are",
                        sequence.len()
                    ),
                ));
            }
        };
        let mut overlap = sequence.slice(from..sequence.len());
        let pelvis = overlap.joints[0][0];
        let canonical = Canonical::of_subject(&pelvis, &overlap.rotations[0][0], trans2joint);
        canonical.apply(&mut overlap);
        Ok(Self {
            canonical,
            overlap,
            pelvis,
        })
    }

    /// The object's rotation that the next window is measured against: that of its first frame.
    pub fn reference(&self) -> UnitQuaternion<f32> {
        self.overlap.object_rotation[0]
    }

    /// Fades the next window (its own frame) in over the overlap, brings it to the sequence's frame with the pelvis
    /// where it was, height included, and puts it in place of the overlap.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the window is shorter than the overlap.
    pub fn join(&self, sequence: &mut Window, mut next: Window) -> Result<()> {
        blend::fade(&self.overlap, &mut next)?;
        self.canonical.apply_back(&mut next);
        let shift = self.pelvis - next.joints[0][0];
        next.translate(&shift);
        blend::append(sequence, &next, self.overlap.len())
    }
}
