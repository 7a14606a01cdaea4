//! Clicks of the mouse, told from drags by what happened and in which order. How things stand at the end of a frame does
//! not tell: on a slow machine one frame may hold several clicks and the ways between them.

use bevy::input::ButtonState;
use bevy::prelude::*;
use bevy::window::WindowEvent;

/// A press that moves farther than this turns the camera, logical pixels.
const STILL: f32 = 4.0;

/// The mouse over the window, as far as the left button's clicks go.
#[derive(Debug, Default)]
pub struct Pointer {
    cursor: Option<Vec2>,
    pressed: Option<Vec2>,
}

impl Pointer {
    /// Takes in what happened next; the place of the click that it completed, logical pixels. `ours` says of the place of
    /// each press whether what is done there is anybody else's.
    pub fn read(
        &mut self,
        event: &WindowEvent,
        mut ours: impl FnMut(Vec2) -> bool,
    ) -> Option<Vec2> {
        match event {
            WindowEvent::CursorMoved(moved) => {
                self.cursor = Some(moved.position);
                self.pressed = self
                    .pressed
                    .filter(|at| at.distance(moved.position) < STILL);
            }
            WindowEvent::CursorLeft(_) => (self.cursor, self.pressed) = (None, None),
            WindowEvent::MouseButtonInput(input) if input.button == MouseButton::Left => {
                return match input.state {
                    ButtonState::Pressed => {
                        self.pressed = self.cursor.filter(|at| ours(*at));
                        None
                    }
                    ButtonState::Released => self.pressed.take(),
                };
            }
            _ => {}
        }
        None
    }
}
