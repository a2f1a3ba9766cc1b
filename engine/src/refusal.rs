//! Refusals that speak of a resource, in one style: the kind, the name, the reason and,
//! after `;`, the remedy. The error names the resource and the parameter that named it.

use std::fmt;

use cloudtally_model::ApiError;

use super::{col, resource::Resource, state::State};

impl Resource {
    /// The words for it in texts: its kind and its name, or its uuid where it has none.
    pub fn called(&self) -> String {
        match self.text_if_any(col::NAME) {
            "" => format!("the {} {}", self.kind.noun(), self.uuid),
            name => format!("the {} {name}", self.kind.noun()),
        }
    }

    /// Refuses what a parameter asks of it: `the zone Paris {why}`.
    pub fn refused(&self, parameter: &'static str, why: impl fmt::Display) -> ApiError {
        ApiError::value(format!("{} {why}", self.called())).about(self.uuid.to_string(), parameter)
    }

    /// Refuses to have it `done` (started, removed, ...) in any but these states.
    ///
    /// # Errors
    /// `the router r-7 is Running and cannot be started; it must be Stopped`.
    pub fn must_be<S: State>(
        &self,
        states: &[S],
        done: &str,
        parameter: &'static str,
    ) -> Result<(), ApiError> {
        if self.is_any(states) {
            return Ok(());
        }
        let wanted: Vec<&str> = states.iter().map(|state| state.name()).collect();
        let why =
            format!("is {} and cannot be {done}; it must be {}", self.state(), wanted.join(" or "));
        Err(self.refused(parameter, why))
    }
}
