//! Colours that say the same in light and dark.

use bevy_egui::egui::{Color32, Visuals};
use chois::project::Deed;
use chois::project::stale::State;

/// What is done.
pub fn deed(visuals: &Visuals, deed: &Deed) -> Color32 {
    let (dark, light) = match deed {
        Deed::Walk { .. } => ([52, 108, 138], [150, 200, 224]),
        Deed::Interact { .. } => ([156, 98, 44], [240, 190, 132]),
        Deed::Idle => ([88, 90, 98], [200, 202, 208]),
    };
    of(visuals, dark, light)
}

/// Where a strip stands, and what that is called.
pub fn state(visuals: &Visuals, state: &State) -> (Color32, &'static str, String) {
    match state {
        State::Fresh => (
            of(visuals, [104, 192, 112], [40, 140, 60]),
            "up to date",
            "The take shows what the strip says.".into(),
        ),
        State::New => (
            of(visuals, [230, 190, 90], [176, 124, 10]),
            "to be generated",
            "Nothing was generated for this strip yet.".into(),
        ),
        State::Waits => (
            of(visuals, [150, 152, 160], [120, 122, 130]),
            "waits",
            "It begins where the strip before it ends, and that has no take yet.".into(),
        ),
        State::Changed => (
            of(visuals, [230, 190, 90], [176, 124, 10]),
            "out of date",
            "The strip, or what it begins from, has changed since the take was made. Generate makes it anew; the old take \
             stays in the gallery."
                .into(),
        ),
        State::Broken(why) => (bad(visuals), "broken", why.clone()),
        State::Refused(why) => (bad(visuals), "cannot be", why.clone()),
    }
}

/// What is wrong.
pub fn bad(visuals: &Visuals) -> Color32 {
    of(visuals, [255, 120, 100], [190, 40, 24])
}

/// What is good.
pub fn good(visuals: &Visuals) -> Color32 {
    of(visuals, [104, 192, 112], [40, 140, 60])
}

/// What is neither.
pub fn fair(visuals: &Visuals) -> Color32 {
    of(visuals, [230, 190, 90], [176, 124, 10])
}

/// What is locked.
pub fn lock(visuals: &Visuals) -> Color32 {
    of(visuals, [255, 214, 92], [214, 150, 0])
}

/// What is measured of the left and of the right side.
pub fn sides(visuals: &Visuals) -> [Color32; 2] {
    [
        of(visuals, [110, 178, 255], [24, 98, 200]),
        of(visuals, [255, 160, 90], [206, 92, 10]),
    ]
}

fn of(visuals: &Visuals, dark: [u8; 3], light: [u8; 3]) -> Color32 {
    let [r, g, b] = if visuals.dark_mode { dark } else { light };
    Color32::from_rgb(r, g, b)
}
