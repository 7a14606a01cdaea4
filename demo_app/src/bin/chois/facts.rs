//! What `chois generate` reports.

use std::fmt;

use chois::geometry::ObjectGeometry;
use chois::request::file::Job;
use chois::synthesis::Generated;

/// Facts of one generated clip.
#[derive(serde::Serialize)]
pub struct Facts {
    seconds: f64,
}

impl Facts {
    /// Measures a clip against its request.
    pub fn new(_job: &Job, _object: &ObjectGeometry, _generated: &Generated, seconds: f64) -> Self {
        Self { seconds }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wall time {:.2} s", self.seconds)
    }
}
