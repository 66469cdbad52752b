//! `{{ name }}` in the manifest.

use std::collections::BTreeMap;

/// `text` with every `{{ name }}` replaced by the variable's value.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| format!("`{text}`: `{{{{` without `}}}}`"))?;
        let name = name.trim();
        let value = variables
            .get(name)
            .ok_or_else(|| format!("`{text}`: the application has no variable `{name}`"))?;
        expanded.push_str(before);
        expanded.push_str(value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
