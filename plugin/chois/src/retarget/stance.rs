//! Feet on the floor: balls that stay where they stand, soles that are not in it, a body that does not float.

use nalgebra::Vector3;

use super::Retarget;
use super::bake::ease_vectors;
use super::calibrate::smooth;
use super::pose::heading_turn;
use super::solve::{Goals, Turns};
use crate::frame;
use crate::motion::{MotionClip, feet};
use crate::skeleton::joint;

/// A ball that stands goes slower than this, metres a frame at 30 frames a second: one that shuffles on has a place before
/// and a place after, and to hold it at their mean would make the knee snap.
const SLOW: f32 = 0.007;
/// How much a foot's bending counts beside its creeping where it stands (1), how much its moving off where it does not
/// stand, and over how many frames a stance becomes firm.
const BENDING: f32 = 0.3;
const FADE: f32 = 1e-4;
/// A ball that is higher than this over the lowest place of its stance, metres, no longer stands.
const RISE: f32 = 0.04;
/// How stiff the way is on which the body comes down to the floor.
const SETTLE: f32 = 3000.0;
const BORDER: f32 = 3.0;
/// Half the time over which a heel or toes come out of the floor, seconds.
const LIFT: f32 = 0.05;

/// Paths of the balls of the feet: where the source's are, held in place where they stand.
pub(super) fn balls(rig: &Retarget, clip: &MotionClip, headings: &[f32], goals: &mut [Goals]) {
    let mut firmness = vec![0.0f32; goals.len()];
    let mut floats = vec![Vector3::zeros(); goals.len()];
    for side in 0..2 {
        let path: Vec<Vector3<f32>> = (0..clip.frames.len())
            .map(|f| clip.joints(f)[joint::LEFT_TOE + side])
            .collect();
        let mut own: Vec<Vector3<f32>> = path
            .iter()
            .zip(headings)
            .map(|(ball, h)| rig.ball_target(side, &frame::to_y_up(*ball), &heading_turn(*h)))
            .collect();
        let (offsets, firm) = hold(
            &own,
            &feet::stances(&path, SLOW),
            rig.legs[side].ball_height,
        );
        for (f, goal) in goals.iter_mut().enumerate() {
            own[f] += offsets[f];
            own[f].y = own[f].y.max(rig.legs[side].ball_height);
            goal.balls[side] = Some(own[f]);
            firmness[f] += firm[f];
            floats[f] += offsets[f] * firm[f];
        }
    }
    // Captured people float a few centimetres: the body comes down with its standing feet, so that legs that are all but
    // straight stay as they are.
    for (float, firm) in floats.iter_mut().zip(&firmness) {
        *float /= firm.max(FADE);
    }
    for (goal, settle) in goals.iter_mut().zip(smoother(&firmness, &floats, SETTLE)) {
        goal.shift.y += settle.y;
    }
}

/// Heels and toes come out of the floor gently.
pub(super) fn soles(rig: &Retarget, turns: &[Turns], fps: f32, goals: &mut [Goals]) {
    let half = (LIFT * fps).round().max(1.0) as usize;
    for side in 0..2 {
        let wanted: Vec<Vector3<f32>> = (goals.iter().zip(turns))
            .map(|(goal, turns)| {
                let height = goal.balls[side].map_or(0.0, |b| b.y);
                let [heel, tip] = rig.lifts(side, height, turns);
                Vector3::new(heel, tip, 0.0)
            })
            .collect();
        for (goal, lift) in goals.iter_mut().zip(ease_vectors(&wanted, half)) {
            goal.lifts[side] = Some([lift.x, lift.y]);
        }
    }
}

/// What is added to the path of a ball so that it stays where it stands, `height` over the floor, and bends as little
/// as can be in between: the least squares of what is left of the way in stances and of the bending (Whittaker's
/// smoother). Feet so neither stop nor start within one frame.
fn hold(
    path: &[Vector3<f32>],
    stances: &[(usize, usize)],
    height: f32,
) -> (Vec<Vector3<f32>>, Vec<f32>) {
    let n = path.len();
    let mut weights = [vec![FADE; n], vec![FADE; n]];
    let mut wanted = vec![Vector3::zeros(); n];
    for &(from, to) in stances {
        let low = path[from..to].iter().fold(f32::MAX, |l, p| l.min(p.y));
        let firm = |t: usize| {
            // The ends of the clip are no borders.
            let before = if from == 0 { n } else { t - from };
            let after = if to == n { n } else { to - 1 - t };
            let k = before.min(after) + 1;
            (k as f32 / BORDER).min(1.0).powi(2)
        };
        let total: f32 = (from..to).map(firm).sum();
        let mut place = (from..to).map(|t| path[t] * firm(t)).sum::<Vector3<f32>>() / total;
        place.y = height;
        for t in from..to {
            // Toes that rise are on their way off the floor, even where they do not go far.
            let down = 1.0 - smooth((path[t].y - low) / RISE);
            weights[0][t] = firm(t).max(FADE);
            weights[1][t] = (firm(t) * down).max(FADE);
            wanted[t] = place - path[t];
        }
    }
    let [level, upright] = weights;
    let mut out = smoother(&level, &wanted, BENDING);
    for (o, up) in out.iter_mut().zip(smoother(&upright, &wanted, BENDING)) {
        o.y = up.y;
    }
    (out, upright)
}

/// The list x that makes the sum of `weights` |x - wanted|² and of `stiffness` |second differences of x|² least: a
/// system with five diagonals, by Cholesky's decomposition without roots.
fn smoother(weights: &[f32], wanted: &[Vector3<f32>], stiffness: f32) -> Vec<Vector3<f32>> {
    let n = weights.len();
    if n < 3 {
        return wanted.to_vec();
    }
    // The matrix of bending, and its factors: the diagonal, and the two diagonals below it.
    let mut rows = vec![[0.0f64; 3]; n];
    for t in 1..n - 1 {
        let bend = [(t - 1, 1.0), (t, -2.0), (t + 1, 1.0)];
        for (i, a) in bend {
            for (j, b) in bend.iter().filter(|(j, _)| *j <= i) {
                rows[i][i - j] += f64::from(stiffness) * a * b;
            }
        }
    }
    for (row, w) in rows.iter_mut().zip(weights) {
        row[0] += f64::from(*w);
    }
    let mut out: Vec<Vector3<f64>> = (weights.iter().zip(wanted))
        .map(|(w, v)| v.cast::<f64>() * f64::from(*w))
        .collect();
    for i in 0..n {
        if i >= 2 {
            rows[i][2] /= rows[i - 2][0];
        }
        if i >= 1 {
            let shared = if i >= 2 {
                rows[i][2] * rows[i - 2][0] * rows[i - 1][1]
            } else {
                0.0
            };
            rows[i][1] = (rows[i][1] - shared) / rows[i - 1][0];
        }
        for k in 1..=2usize.min(i) {
            let below = out[i - k];
            rows[i][0] -= rows[i][k] * rows[i][k] * rows[i - k][0];
            out[i] -= below * rows[i][k];
        }
    }
    for i in (0..n).rev() {
        out[i] /= rows[i][0];
        for k in 1..=2usize.min(n - 1 - i) {
            let above = out[i + k];
            out[i] -= above * rows[i + k][k];
        }
    }
    out.iter().map(|v| v.cast::<f32>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smoother_solves_its_equations() {
        let weights: Vec<f32> = (0..40)
            .map(|t| if (10..25).contains(&t) { 1.0 } else { FADE })
            .collect();
        let wanted: Vec<Vector3<f32>> = (0..40)
            .map(|t| Vector3::new((t as f32 * 0.7).sin(), t as f32 * 0.1, 1.0))
            .collect();
        let stiffness = 0.4;
        let got = smoother(&weights, &wanted, stiffness);
        // The gradient of the sum is zero.
        let bend = |t: usize| match t {
            1..39 => got[t - 1] - got[t] * 2.0 + got[t + 1],
            _ => Vector3::zeros(),
        };
        for t in 0..40 {
            let mut gradient = (got[t] - wanted[t]) * weights[t] - bend(t) * 2.0 * stiffness;
            if t > 0 {
                gradient += bend(t - 1) * stiffness;
            }
            if t < 39 {
                gradient += bend(t + 1) * stiffness;
            }
            assert!(gradient.norm() < 1e-4, "{t}: {gradient}");
        }
        assert_eq!(smoother(&weights[..2], &wanted[..2], 1.0), wanted[..2]);
    }

    #[test]
    fn a_foot_that_shuffles_stands_before_and_after() {
        let path: Vec<Vector3<f32>> = (0..66)
            .map(|t| Vector3::new(0.06 * smooth((t as f32 - 30.0) / 6.0), 0.0, 0.03))
            .collect();
        let stances = feet::stances(&path, SLOW);
        let own: Vec<Vector3<f32>> = path.iter().map(|p| frame::to_y_up(*p)).collect();
        let (offsets, _) = hold(&own, &stances, 0.03);
        let off = offsets.iter().map(|o| o.norm()).fold(0.0, f32::max);
        assert!(off < 0.01, "moved aside by {off}");
    }

    #[test]
    fn a_foot_stands_still_and_goes_on_gently() {
        // Stands and creeps, 5 cm over the floor, steps 60 cm in 15 frames, creeps on.
        let path: Vec<Vector3<f32>> = (0..75)
            .map(|t| {
                let u = ((t as f32 - 30.0) / 15.0).clamp(0.0, 1.0);
                let high = 0.1 * (std::f32::consts::PI * u).sin().powi(2);
                Vector3::new(0.002 * t as f32 + 0.6 * smooth(u), 0.05 + high, 0.0)
            })
            .collect();
        let (offsets, _) = hold(&path, &[(0, 32), (44, 75)], 0.02);
        let held: Vec<Vector3<f32>> = path.iter().zip(&offsets).map(|(p, o)| p + o).collect();
        for t in (1..27).chain(50..75) {
            assert!((held[t] - held[t - 1]).norm() < 1e-3, "slides at {t}");
            assert!((held[t].y - 0.02).abs() < 2e-3, "{t}: {}", held[t].y);
        }
        let peak = |p: &[Vector3<f32>]| {
            p.windows(3)
                .map(|w| (w[2] - w[1] * 2.0 + w[0]).norm())
                .fold(0.0, f32::max)
        };
        assert!(
            peak(&held) < 1.5 * peak(&path),
            "{} {}",
            peak(&held),
            peak(&path)
        );
    }
}
