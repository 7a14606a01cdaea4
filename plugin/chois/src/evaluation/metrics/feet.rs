//! Feet: the floor that they stand on, and how far they slide over it.

use nalgebra::Vector3;

use super::{distance, floor_distance};
use crate::skeleton::{JOINTS, joint};

/// A toe that moves less than this from frame to frame stands, metres.
const STATIC_STEP: f64 = 0.005;
/// Radius of the density clustering of the heights of standing toes, metres.
const CLUSTER_RADIUS: f64 = 0.005;
/// Heights within the radius, its own included, that make a height a core of a cluster.
const CLUSTER_CORE: usize = 3;
/// Ankles below this height slide, metres.
const ANKLE_HEIGHT: f64 = 0.08;
/// Toes below this height slide, metres.
const TOE_HEIGHT: f64 = 0.04;

/// Height of the floor that the toes stand on (H_feet), metres: the heights of toes that hardly move are clustered by
/// density; the smallest median of a cluster counts. 0 when no toe ever stands.
///
/// Kept from the published code: the last frame's speed is that of the frame before; heights that belong to no cluster
/// count as one cluster of their own; no offset is taken off for the height of the joint over the sole.
pub fn feet_height(joints: &[[Vector3<f32>; JOINTS]]) -> f64 {
    let mut heights = Vec::new();
    for toe in [joint::LEFT_TOE, joint::RIGHT_TOE] {
        let steps: Vec<f64> = (joints.windows(2))
            .map(|w| distance(&w[1][toe], &w[0][toe]))
            .collect();
        for (t, pose) in joints.iter().enumerate() {
            // A clip of one frame has no speed, and so no standing toe.
            let step = steps.get(t).or(steps.last());
            if step.is_some_and(|s| *s < STATIC_STEP) {
                heights.push(f64::from(pose[toe].z));
            }
        }
    }
    let lowest = (density_clusters(heights).into_iter())
        .map(median)
        .fold(f64::INFINITY, f64::min);
    if lowest.is_finite() { lowest } else { 0.0 }
}

/// DBSCAN in one dimension: the clusters and, last, what is noise; each in rising order.
fn density_clusters(mut values: Vec<f64>) -> Vec<Vec<f64>> {
    values.sort_by(f64::total_cmp);
    let near = |v: f64| {
        let from = values.partition_point(|s| v - s > CLUSTER_RADIUS);
        let to = values.partition_point(|s| s - v <= CLUSTER_RADIUS);
        from..to
    };
    // Neighbouring cores within the radius are one cluster.
    let mut clusters = 0;
    let mut cluster = vec![None; values.len()];
    let mut last: Option<usize> = None;
    for k in (0..values.len()).filter(|k| near(values[*k]).len() >= CLUSTER_CORE) {
        if last.is_none_or(|l| values[k] - values[l] > CLUSTER_RADIUS) {
            clusters += 1;
        }
        cluster[k] = Some(clusters - 1);
        last = Some(k);
    }
    let mut out = vec![Vec::new(); clusters + 1];
    for (k, v) in values.iter().enumerate() {
        // What is no core has at most one neighbour; if that is a core, it belongs to its cluster.
        let own = cluster[k].or_else(|| near(*v).find_map(|n| cluster[n]));
        out[own.unwrap_or(clusters)].push(*v);
    }
    out.retain(|members| !members.is_empty());
    out
}

/// Median of values in rising order; there is at least one.
fn median(values: Vec<f64>) -> f64 {
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Foot sliding (FS), metres per frame: steps on the floor of ankles and toes that are low over `floor`, weighted by
/// 2 - 2^(height / limit), summed and divided by the number of frames, mean of the four joints.
///
/// Kept from the published code: the height is that of the step's first frame; the divisor is the number of frames, not of
/// steps or of low frames; below the floor the weight goes on growing towards 2.
pub fn foot_sliding(joints: &[[Vector3<f32>; JOINTS]], floor: f64) -> f64 {
    let limits = [
        (joint::LEFT_ANKLE, ANKLE_HEIGHT),
        (joint::LEFT_TOE, TOE_HEIGHT),
        (joint::RIGHT_ANKLE, ANKLE_HEIGHT),
        (joint::RIGHT_TOE, TOE_HEIGHT),
    ];
    let slid = |(foot, limit): (usize, f64)| -> f64 {
        (joints.windows(2))
            .map(|w| {
                (
                    f64::from(w[0][foot].z) - floor,
                    floor_distance(&w[0][foot], &w[1][foot]),
                )
            })
            .filter(|(height, _)| *height < limit)
            .map(|(height, step)| (step * (2.0 - (height / limit).exp2())).abs())
            // The sum of nothing would be -0.
            .fold(0.0, |sum, slid| sum + slid)
    };
    let frames = joints.len().max(1) as f64;
    let total = limits
        .into_iter()
        .map(slid)
        .fold(0.0, |sum, slid| sum + slid);
    total / frames / 4.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::still;
    use super::*;

    #[test]
    fn sliding_toes_count_by_their_height() {
        let mut t = still(11);
        for (f, pose) in t.joints.iter_mut().enumerate() {
            for p in pose.iter_mut() {
                p.z += 1.0;
            }
            pose[joint::LEFT_TOE] = Vector3::new(0.01 * f as f32, 0.0, 0.0);
        }
        // Ten steps of 1 cm at height 0, weight 1, over 11 frames and 4 joints.
        assert!((foot_sliding(&t.joints, 0.0) - 0.1 / 11.0 / 4.0).abs() < 1e-7);
        assert_eq!(foot_sliding(&t.joints, -0.04), 0.0);
        assert_eq!(foot_sliding(&t.joints[..1], 0.0), 0.0);
        assert_eq!(foot_sliding(&[], 0.0), 0.0);
    }

    #[test]
    fn clusters_are_those_of_scikit_learn() {
        let clusters = |values: &[f64]| density_clusters(values.to_vec());
        assert!(clusters(&[]).is_empty());
        // Two are too few.
        assert_eq!(clusters(&[0.0, 0.004]), [[0.0, 0.004]]);
        // 0.0165 borders on the core 0.012; 0.03 and 0.05 are noise.
        assert_eq!(
            clusters(&[0.03, 0.012, 0.010, 0.011, 0.0165, 0.05]),
            [vec![0.010, 0.011, 0.012, 0.0165], vec![0.03, 0.05]]
        );
        // A value between two crowds is a core itself and joins them.
        let crowds = [0.019, 0.019, 0.010, 0.010, 0.019, 0.010];
        assert_eq!(clusters(&crowds).len(), 2);
        assert_eq!(clusters(&[&crowds[..], &[0.0145]].concat()).len(), 1);
    }

    #[test]
    fn lowest_cluster_is_the_floor_even_when_it_is_noise() {
        let mut t = still(40);
        for pose in &mut t.joints {
            pose[joint::LEFT_TOE].z = 0.05;
            pose[joint::RIGHT_TOE].z = 0.20;
        }
        assert!((feet_height(&t.joints) - 0.05).abs() < 1e-6);
        // One frame of the left toe far below: noise, but a cluster of its own.
        let mut alone = t.clone();
        for (f, pose) in alone.joints.iter_mut().enumerate() {
            pose[joint::LEFT_TOE].x = 100.0 * f as f32;
        }
        alone.joints[39][joint::LEFT_TOE] = Vector3::new(38.0 * 100.0, 0.0, 0.01);
        alone.joints[38][joint::LEFT_TOE] = Vector3::new(38.0 * 100.0, 0.0, 0.01);
        // Two standing heights (the last speed is repeated) are too few for a core.
        assert!((feet_height(&alone.joints) - 0.01).abs() < 1e-6);
        assert_eq!(feet_height(&t.joints[..1]), 0.0);
    }
}
