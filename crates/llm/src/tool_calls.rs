//! Puts tool calls together from their pieces.
//!
//! The wire says: pieces belong together by `index`; the first has id and name, the others append
//! to the arguments. Real servers omit the index, send 0 for every call or count from 1; omit the
//! id on later pieces, send it empty, or never; repeat the name on every piece; send a call whole
//! in one piece, with the arguments as an object. The rules here serve them all:
//!
//! - a new id opens a call; a known id continues its call;
//! - without an id, the newest call of the same index goes on, or the newest one if the index
//!   is missing or unknown and the piece has no name;
//! - unless the piece names a tool although that call's arguments are whole already, or are under
//!   way for another tool: then it opens a call.

use crate::{
    ArgumentsError, Error, Event, ToolCall,
    chunk::{CallDelta, FunctionDelta},
    limits,
};
use domain::weight;
use serde_json::{Map, Value};

/// The calls of one answer.
#[derive(Debug)]
pub(crate) struct ToolCalls {
    /// Makes ids unique over a conversation where the server gives none.
    seed: i64,
    calls: Vec<Call>,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    wire_id: Option<String>,
    id: String,
    name: String,
    arguments: String,
    /// How many bytes of `arguments` were given out as events.
    given: usize,
    started: bool,
}

impl ToolCalls {
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            seed,
            calls: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes one piece; returns how many bytes of arguments it added.
    pub(crate) fn add(
        &mut self,
        delta: CallDelta,
        events: &mut impl Extend<Event>,
    ) -> Result<usize, Error> {
        let index = delta.index.as_ref().and_then(Value::as_u64);
        let wire_id = delta.id.filter(|id| !id.is_empty());
        let FunctionDelta { name, arguments } = delta.function.unwrap_or_default();
        let name = name.filter(|name| !name.is_empty());
        let fragment = arguments.map_or_else(String::new, argument_text);

        let known = self.find(index, wire_id.as_deref(), name.as_deref(), &fragment);
        let position = match known {
            Some(position) => position,
            None => self.open(index, wire_id.as_deref())?,
        };
        let Some(call) = self.calls.get_mut(position) else {
            return Ok(0);
        };
        if call.wire_id.is_none() {
            call.wire_id = wire_id;
        }
        if let Some(name) = name
            && !call.started
        {
            call.name = name;
        }
        call.arguments.push_str(&fragment);
        call.give_out(position, events);
        Ok(fragment.len())
    }

    /// Every call, whole and parsed.
    pub(crate) fn complete(&mut self, events: &mut impl Extend<Event>) -> Result<(), Error> {
        for (position, call) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            if call.name.is_empty() {
                return Err(Error::malformed("a tool call without a name"));
            }
            let arguments = parse(&call.arguments);
            let call = ToolCall {
                id: call.id,
                name: call.name,
                arguments: call.arguments,
            };
            events.extend([Event::ToolCall {
                position,
                call,
                arguments,
            }]);
        }
        Ok(())
    }

    /// Which call a piece goes on with; `None` if it opens one.
    fn find(
        &self,
        index: Option<u64>,
        wire_id: Option<&str>,
        name: Option<&str>,
        fragment: &str,
    ) -> Option<usize> {
        if let Some(id) = wire_id {
            let known = |call: &Call| call.wire_id.as_deref() == Some(id);
            // An id that comes late belongs to the call of that index that has none yet.
            let late = |call: &Call| {
                call.wire_id.is_none() && index.is_some() && call.index == index && name.is_none()
            };
            let by_id = self.calls.iter().rposition(known);
            return by_id.or_else(|| self.calls.iter().rposition(late));
        }
        let same_index = index.and_then(|index| {
            self.calls
                .iter()
                .rposition(|call| call.index == Some(index))
        });
        let newest = self.calls.len().checked_sub(1);
        let position = match same_index {
            Some(position) => position,
            None if index.is_none() || name.is_none() => newest?,
            None => return None,
        };
        let opens = name.is_some_and(|name| {
            self.calls
                .get(position)
                .is_some_and(|call| call.is_closed_to(name, fragment))
        });
        (!opens).then_some(position)
    }

    fn open(&mut self, index: Option<u64>, wire_id: Option<&str>) -> Result<usize, Error> {
        let position = self.calls.len();
        if position >= limits::TOOL_CALLS {
            return Err(Error::TooLong {
                what: "the list of tool calls",
                limit: limits::TOOL_CALLS,
            });
        }
        self.calls.push(Call {
            index,
            id: wire_id.map_or_else(|| format!("call_{:x}_{position}", self.seed), str::to_owned),
            ..Call::default()
        });
        Ok(position)
    }
}

impl Call {
    /// Whether a piece without id that names a tool must belong to another call.
    fn is_closed_to(&self, name: &str, fragment: &str) -> bool {
        let under_way = !self.arguments.is_empty();
        let whole = under_way && parse(&self.arguments).is_ok();
        (under_way && self.name != name) || (whole && !fragment.is_empty())
    }

    /// Gives out what is new, once the name is known.
    fn give_out(&mut self, position: usize, events: &mut impl Extend<Event>) {
        if self.name.is_empty() {
            return;
        }
        if !std::mem::replace(&mut self.started, true) {
            events.extend([Event::ToolCallStarted {
                position,
                id: self.id.clone(),
                name: self.name.clone(),
            }]);
        }
        let fragment = self.arguments.get(self.given..).unwrap_or_default();
        if !fragment.is_empty() {
            events.extend([Event::ToolCallArguments {
                position,
                fragment: fragment.to_owned(),
            }]);
            self.given = self.arguments.len();
        }
    }
}

/// Arguments come as JSON in a text, or as the object itself.
fn argument_text(arguments: Value) -> String {
    match arguments {
        Value::String(text) => text,
        Value::Null => String::new(),
        object => object.to_string(),
    }
}

/// No arguments at all are an empty object: so say servers for tools without parameters.
fn parse(arguments: &str) -> Result<Map<String, Value>, ArgumentsError> {
    if arguments.trim().is_empty() {
        return Ok(Map::new());
    }
    match weight::read(arguments.as_bytes(), limits::WEIGHT) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(ArgumentsError("they are no JSON object".to_owned())),
        Err(unread) => Err(ArgumentsError(unread.to_string())),
    }
}
