//! What a plan must keep to, whoever made it.

use super::refusal::CommandRefusal;
use super::{Action, CommandPlan, MAX_STEPS, Relation, Step, Target};
use crate::scene::{Item, ItemId, ItemKind, Mobility, Scene};

/// What is lower is no shelter, metres.
const LOWEST_SHELTER: f32 = 0.15;

impl CommandPlan {
    /// Refuses a plan that the scene does not allow: items that are not there, lifting what stays, a place in relation to
    /// itself. Where there is room is for whoever plans paths to find out.
    ///
    /// # Errors
    /// The first fault, in words for the player.
    pub fn check(&self, scene: &Scene) -> Result<(), CommandRefusal> {
        if self.steps.is_empty() {
            return Err(CommandRefusal::nothing("no action is named"));
        }
        if self.steps.len() > MAX_STEPS {
            return Err(CommandRefusal::TooLong {
                length: self.steps.len(),
                limit: MAX_STEPS,
                unit: "steps".into(),
            });
        }
        self.steps.iter().try_for_each(|step| step.check(scene))
    }
}

fn find(scene: &Scene, id: ItemId) -> Result<&Item, CommandRefusal> {
    scene.item(id).ok_or_else(|| CommandRefusal::UnknownObject {
        words: format!("#{}", id.0),
        suggestions: Vec::new(),
    })
}

impl Step {
    fn check(&self, scene: &Scene) -> Result<(), CommandRefusal> {
        let object = self.object.map(|id| find(scene, id)).transpose()?;
        match object {
            None if self.action.needs_object() => {
                return Err(CommandRefusal::nothing(format!(
                    "to {} needs a thing",
                    self.action.name().replace('_', " ")
                )));
            }
            Some(item) => movable(self.action, item)?,
            None => (),
        }
        if let Some(Target::Item(id)) = self.facing {
            find(scene, id)?;
        }
        let Some(goal) = &self.goal else {
            return Ok(());
        };
        let needed = if goal.relation == Relation::Between {
            2
        } else {
            1
        };
        if goal.targets.len() != needed {
            return Err(CommandRefusal::not_understood(format!(
                "\"{}\" takes {needed} places, not {}",
                goal.relation.name().replace('_', " "),
                goal.targets.len()
            )));
        }
        if let Some(metres) = goal.distance.filter(|d| !(0.0..=50.0).contains(d)) {
            return Err(CommandRefusal::contradictory(format!(
                "{metres} m is no distance to move something in here"
            )));
        }
        if needed == 2 && goal.targets[0] == goal.targets[1] {
            return Err(CommandRefusal::contradictory(
                "nothing is between a thing and itself",
            ));
        }
        for target in &goal.targets {
            match target {
                Target::Item(id) => {
                    let target = find(scene, *id)?;
                    if self.object == Some(*id) {
                        return Err(CommandRefusal::contradictory(format!(
                            "the {} cannot be placed in relation to itself",
                            target.name
                        )));
                    }
                    related(self, goal.relation, object, target)?;
                }
                Target::Marker(name) if !scene.markers.iter().any(|m| m.name == *name) => {
                    return Err(CommandRefusal::UnknownObject {
                        words: name.clone(),
                        suggestions: scene.markers.iter().map(|m| m.name.clone()).collect(),
                    });
                }
                Target::There if scene.pointed.is_none() => {
                    return Err(CommandRefusal::NoReferent {
                        word: "there".into(),
                    });
                }
                Target::Here
                    if scene
                        .pointed
                        .or(scene.speaker.map(|s| s.position))
                        .is_none() =>
                {
                    return Err(CommandRefusal::NoReferent {
                        word: "here".into(),
                    });
                }
                Target::Speaker if scene.speaker.is_none() => {
                    return Err(CommandRefusal::NoReferent { word: "me".into() });
                }
                Target::Home => {
                    if let Some(item) = object.filter(|item| item.home.is_none()) {
                        return Err(CommandRefusal::contradictory(format!(
                            "it is not known where the {} belongs",
                            item.name
                        )));
                    }
                }
                _ => (),
            }
        }
        Ok(())
    }
}

fn movable(action: Action, item: &Item) -> Result<(), CommandRefusal> {
    let refuse = |done: &str, hint: &str| {
        Err(CommandRefusal::NotLiftable {
            id: item.id,
            name: item.name.clone(),
            done: done.to_owned(),
            hint: hint.to_owned(),
        })
    };
    if matches!(action, Action::Walk | Action::ComeBack | Action::Stop) {
        return Ok(());
    }
    if item.mobility == Mobility::Fixed || item.kind != ItemKind::Object {
        return refuse("moved", "");
    }
    let on_the_floor = action.slides() || matches!(action, Action::Rotate | Action::Tilt);
    if item.mobility == Mobility::Pushable && !on_the_floor {
        return refuse("lifted", " It can be pushed.");
    }
    Ok(())
}

/// Whether a place in this relation to an item can be at all.
fn related(
    step: &Step,
    relation: Relation,
    object: Option<&Item>,
    target: &Item,
) -> Result<(), CommandRefusal> {
    let name = &target.name;
    let no = |reason: String| Err(CommandRefusal::contradictory(reason));
    let hangs = !matches!(target.kind, ItemKind::Object | ItemKind::Floor);
    match relation {
        Relation::On if hangs => no(format!("nothing stands on the {name}")),
        Relation::On if target.kind == ItemKind::Floor => Ok(()),
        Relation::On if object.is_none() && step.action == Action::Walk => {
            no(format!("people do not climb the {name} here"))
        }
        Relation::On if !target.surface => no(format!("nothing can stand on the {name}")),
        Relation::On if step.action.slides() => no(format!(
            "what is moved along the floor does not get onto the {name}; have it carried"
        )),
        Relation::Under if hangs || target.kind == ItemKind::Floor => {
            no(format!("there is no place under the {name}"))
        }
        Relation::Under if target.height() < LOWEST_SHELTER => {
            no(format!("the {name} is too low to put anything under it"))
        }
        _ if target.kind == ItemKind::Ceiling => no(format!("the {name} is out of reach")),
        _ => Ok(()),
    }
}
