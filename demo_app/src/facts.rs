//! What `chois generate` reports.

use std::fmt;
use std::path::PathBuf;

use chois::Result;
use chois::contact::{ContactEvent, Corrected, Effort, LetGo};
use chois::evaluation::{ClipFacts, Goals};
use chois::geometry::ObjectGeometry;
use chois::request::file::Job;
use chois::synthesis::Generated;

/// Facts of one generated clip.
#[derive(serde::Serialize)]
pub struct Facts {
    text: String,
    out: Option<PathBuf>,
    clip: Option<PathBuf>,
    seed: u64,
    /// Seconds that generating took.
    wall_time: f64,
    /// Most memory the program had in use so far, bytes, where the system tells.
    peak_memory: Option<u64>,
    /// What hands and object did, where contact was enforced.
    contact: Option<ContactFacts>,
    #[serde(flatten)]
    facts: ClipFacts,
}

/// What hands and object did.
#[derive(serde::Serialize)]
struct ContactFacts {
    events: Vec<ContactEvent>,
    /// Of the left and the right hand.
    efforts: [Effort; 2],
}

impl Facts {
    /// Measures a clip against its request.
    ///
    /// # Errors
    /// Those of [`ClipFacts::of`].
    pub fn new(
        job: &Job,
        object: &ObjectGeometry,
        generated: &Generated,
        wall_time: f64,
        held: Option<&Corrected>,
    ) -> Result<Self> {
        let plan = &generated.plan;
        let goals = Goals {
            start: Some(plan.center(0)),
            waypoints: plan
                .waypoint_frames
                .iter()
                .zip(&job.request.waypoints)
                .map(|(frame, w)| (*frame, w.at))
                .collect(),
            end: Some(plan.center(plan.path.len() - 1)),
        };
        Ok(Self {
            text: job.request.text.clone(),
            out: job.out.clone(),
            clip: job.clip.clone(),
            seed: job.request.seed,
            wall_time,
            peak_memory: peak_memory(),
            contact: held.map(|held| ContactFacts {
                events: held.events.clone(),
                efforts: held.efforts,
            }),
            facts: ClipFacts::of(&generated.clip, object, &goals)?,
        })
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for path in self.out.iter().chain(&self.clip) {
            writeln!(f, "written             {}", path.display())?;
        }
        writeln!(f, "wall time           {:.2} s", self.wall_time)?;
        if let Some(bytes) = self.peak_memory {
            writeln!(f, "peak memory         {:.0} MB", bytes as f64 / 1e6)?;
        }
        if let Some(contact) = &self.contact {
            let most = contact.efforts.iter().map(|e| e.force).fold(0.0, f32::max);
            writeln!(f, "hands give at most  {most:.0} N each")?;
            for event in contact.events.iter().filter(|e| is_noteworthy(e)) {
                writeln!(f, "{event}")?;
            }
        }
        write!(f, "{}", self.facts)
    }
}

/// Whether something did not go as the clip has it.
pub fn is_noteworthy(event: &ContactEvent) -> bool {
    !matches!(
        event,
        ContactEvent::Held { .. }
            | ContactEvent::Released {
                reason: LetGo::Planned,
                ..
            }
    )
}

/// The most memory this program has had in use, bytes (Linux).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
