//! New values for seeds, as the editor draws them.

use super::Seed;
use crate::{
    object_info::{Input, InputSpec, Kind, ObjectInfo},
    workflow::Prompt,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// How far from 0 numbers are drawn, as in the editor: whole ones are still exact there.
const FARTHEST: f64 = 1_125_899_906_842_624.0;

/// What may be drawn.
enum Range<'a> {
    Numbers(Numbers),
    /// One of these.
    List(&'a [Value]),
}

/// Numbers from `least` on, in steps, up to `most` and without it.
struct Numbers {
    least: f64,
    most: f64,
    step: f64,
    is_whole: bool,
}

/// New values for `seeds` of a prompt, each with its seed: what the input takes. What one
/// primitive feeds gets one value, that all of it takes. `below` gives a number from 0 up to the
/// one that it is given, and without that one, which is never 0.
pub fn draw_seeds<'a>(
    seeds: &'a [Seed],
    prompt: &Prompt,
    info: &ObjectInfo,
    below: &mut dyn FnMut(u64) -> u64,
) -> Vec<(&'a Seed, Value)> {
    let mut shared: BTreeMap<&str, Range<'_>> = BTreeMap::new();
    for seed in seeds {
        let range = range(seed, prompt, info);
        if let (Some(primitive), Some(range)) = (seed.primitive.as_deref(), range) {
            let range = match shared.remove(primitive) {
                Some(known) => known.and(range),
                None => range,
            };
            shared.insert(primitive, range);
        }
    }
    let drawn: BTreeMap<&str, Value> = shared
        .iter()
        .map(|(primitive, range)| (*primitive, range.draw(&mut *below)))
        .collect();
    let value = |seed: &Seed| match seed.primitive.as_deref() {
        Some(primitive) => drawn.get(primitive).cloned(),
        None => range(seed, prompt, info).map(|range| range.draw(&mut *below)),
    };
    let values: Vec<_> = seeds.iter().map(value).collect();
    let drawn = seeds.iter().zip(values);
    drawn
        .filter_map(|(seed, value)| Some((seed, value?)))
        .collect()
}

/// What the seed's input takes.
fn range<'a>(seed: &Seed, prompt: &Prompt, info: &'a ObjectInfo) -> Option<Range<'a>> {
    let class = info.class(prompt.node(&seed.node)?.class_type()?)?;
    Range::of(spec(&class.inputs, &seed.input)?)
}

/// What the input of that name takes, also where a choice of another input brings it.
fn spec<'a>(inputs: &'a [Input], name: &str) -> Option<&'a InputSpec> {
    inputs.iter().find_map(|input| {
        let rest = name.strip_prefix(input.name.as_str())?;
        match &input.spec.kind {
            _ if rest.is_empty() => Some(&input.spec),
            Kind::DynamicCombo(choices) => {
                let name = rest.strip_prefix('.')?;
                choices.iter().find_map(|choice| spec(&choice.inputs, name))
            }
            _ => None,
        }
    })
}

impl<'a> Range<'a> {
    fn of(spec: &'a InputSpec) -> Option<Self> {
        let is_whole = match &spec.kind {
            Kind::Int => true,
            Kind::Float => false,
            Kind::Combo(values) if !values.is_empty() => return Some(Self::List(values)),
            _ => return None,
        };
        let option = |name: &str| spec.options.get(name).and_then(Value::as_f64);
        Some(Self::Numbers(Numbers {
            least: option("min").unwrap_or(0.0).clamp(-FARTHEST, FARTHEST),
            most: option("max").unwrap_or(FARTHEST).min(FARTHEST),
            step: option("step").filter(|step| *step > 0.0).unwrap_or(1.0),
            is_whole,
        }))
    }

    /// What both take. Lists that one primitive feeds are the same.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Numbers(one), Self::Numbers(other)) => Self::Numbers(Numbers {
                least: one.least.max(other.least),
                most: one.most.min(other.most),
                step: one.step.max(other.step),
                is_whole: one.is_whole || other.is_whole,
            }),
            (one, _) => one,
        }
    }

    fn draw(&self, below: &mut dyn FnMut(u64) -> u64) -> Value {
        match self {
            Self::List(values) => {
                let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
                let place = usize::try_from(below(count)).unwrap_or_default();
                values.get(place).cloned().unwrap_or_default()
            }
            Self::Numbers(numbers) => {
                // At least one: what is not between the two is for the service to refuse.
                let count = ((numbers.most - numbers.least) / numbers.step).max(1.0) as u64;
                let value = numbers.least + below(count) as f64 * numbers.step;
                match numbers.is_whole {
                    true => Value::from(value as i64),
                    false => Value::from(value),
                }
            }
        }
    }
}
