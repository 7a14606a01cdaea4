//! A take in a few numbers, to compare it with others.

use nalgebra::Vector3;

use super::document::Deed;
use super::library::Thing;
use super::measures::Measures;
use crate::evaluation::metrics::{feet_height, foot_sliding};
use crate::motion::MotionClip;

/// A take in numbers. Metres and seconds; none where it does not apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// How far places on the way are missed, mean.
    pub way: Option<f32>,
    /// How far the end is missed.
    pub end: Option<f32>,
    /// Foot sliding as the paper counts it ([`foot_sliding`]), metres a frame.
    pub skate: f32,
    /// Distance of palms that touch from the surface: mean of its size.
    pub gap: Option<f32>,
    /// Way of a palm over the object in one touch, the longest.
    pub slip: Option<f32>,
    /// For how long the left and the right hand touch.
    pub touch: Option<[f32; 2]>,
    /// Hardest acceleration of a joint, metres a second squared.
    pub jolt: f32,
    /// How long it lasts.
    pub seconds: f32,
}

/// How good a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It tells, and is neither good nor bad.
    Plain,
    /// Nobody sees it.
    Good,
    /// Who looks for it sees it.
    Fair,
    /// It is seen.
    Poor,
}

/// One number as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is of.
    pub name: &'static str,
    /// What it means.
    pub hint: &'static str,
    /// The number with its unit.
    pub value: String,
    /// What it comes to, in a word.
    pub word: &'static str,
    /// How good it is.
    pub grade: Grade,
}

impl Numbers {
    /// Numbers of a clip that was made for a deed, from what was measured of it.
    pub fn of(clip: &MotionClip, thing: Option<&Thing>, deed: &Deed, measures: &Measures) -> Self {
        let count = clip.frames.len();
        let thing = thing.filter(|_| clip.has_object());
        let path: Vec<Vector3<f32>> = (clip.frames.iter())
            .map(|frame| match thing {
                Some(t) => frame.object_position + frame.object_rotation * t.geometry.center(),
                None => frame.pose.root,
            })
            .collect();
        let end = match deed {
            Deed::Walk { end, .. } => Some(*end),
            Deed::Interact { end, .. } => end.map(|[x, y, _]| [x, y]),
            Deed::Idle => None,
        };
        let miss = |at: [f32; 2], p: &Vector3<f32>| (p.x - at[0]).hypot(p.y - at[1]);
        let missed = deed.waypoints().iter().map(|w| match w.time {
            Some(time) => {
                let f = ((time * clip.fps).round().max(0.0) as usize).min(count - 1);
                miss(w.at, &path[f])
            }
            None => path
                .iter()
                .map(|p| miss(w.at, p))
                .fold(f32::INFINITY, f32::min),
        });
        let mean = |values: Vec<f32>| {
            let count = values.len() as f32;
            (count > 0.0).then(|| values.iter().sum::<f32>() / count)
        };
        let touching = |hand: usize| {
            let spans = measures.touches[hand].iter();
            spans.flat_map(|[first, last]| *first..=*last)
        };
        let gaps: Vec<f32> = (0..2)
            .flat_map(|hand| touching(hand).map(move |f| measures.distance[hand][f].abs()))
            .collect();
        let way_over = |hand: usize, span: &[usize; 2]| {
            (span[0]..=span[1])
                .map(|f| measures.slip[hand][f])
                .sum::<f32>()
                * measures.step
        };
        let slips = (0..2).flat_map(|hand| {
            let spans = measures.touches[hand].iter();
            spans.map(move |span| way_over(hand, span))
        });
        let joints: Vec<_> = (0..count).map(|f| clip.joints(f)).collect();
        let jolt = (joints.windows(3))
            .flat_map(|w| (0..w[0].len()).map(|j| (w[2][j] - w[1][j] * 2.0 + w[0][j]).norm()))
            .fold(0.0, f32::max);
        Self {
            way: mean(missed.collect()),
            end: end.and_then(|at| Some(miss(at, path.last()?))),
            skate: foot_sliding(&joints, feet_height(&joints)) as f32,
            gap: mean(gaps),
            slip: slips.reduce(f32::max),
            touch: thing.map(|_| [0, 1].map(|hand| touching(hand).count() as f32 * measures.step)),
            jolt: jolt * clip.fps * clip.fps,
            seconds: clip.seconds(),
        }
    }

    /// The numbers with what they come to, in the order in which an animator asks.
    pub fn rows(&self) -> Vec<Row> {
        let graded = |name, hint, value: Option<f32>, unit: (f32, &str), bars: [f32; 2]| {
            let value = value?;
            let (word, grade) = if value <= bars[0] {
                ("good", Grade::Good)
            } else if value <= bars[1] {
                ("fair", Grade::Fair)
            } else {
                ("poor", Grade::Poor)
            };
            Some(Row {
                name,
                hint,
                value: format!("{:.1} {}", value * unit.0, unit.1),
                word,
                grade,
            })
        };
        let cm = (100.0, "cm");
        let plain = |name, hint, value| Row {
            name,
            hint,
            value,
            word: "",
            grade: Grade::Plain,
        };
        let mut rows: Vec<Row> = [
            graded(
                "Places",
                "How far places on the way are missed, on average",
                self.way,
                cm,
                [0.05, 0.15],
            ),
            graded(
                "End",
                "How far the end is missed",
                self.end,
                cm,
                [0.05, 0.15],
            ),
            Some(plain(
                "Feet slide",
                "Foot sliding as the paper counts it, in each frame: steps of feet that are low, the more the lower",
                format!("{:.2} cm", self.skate * 100.0),
            )),
            graded(
                "Palms off",
                "How far palms that touch are from the surface, on average",
                self.gap,
                cm,
                [0.01, 0.025],
            ),
            graded(
                "Slip",
                "How far a palm slides over the object in one touch, at most",
                self.slip,
                cm,
                [0.01, 0.03],
            ),
            graded(
                "Jolt",
                "The hardest acceleration of any joint",
                Some(self.jolt),
                (1.0, "m/s²"),
                [40.0, 90.0],
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some([left, right]) = self.touch {
            rows.push(plain(
                "Hands hold",
                "For how long the left and the right hand touch the object",
                format!("{left:.1} / {right:.1} s"),
            ));
        }
        rows.push(plain(
            "Length",
            "How long the take lasts",
            format!("{:.1} s", self.seconds),
        ));
        rows
    }
}
