//! Which component answers a path: Spin's rules.
//!
//! A route is made of exact segments, `:name` segments that match any one segment, and maybe a
//! trailing `/...` that matches whatever follows, also nothing. Of the routes that match, the
//! one wins that is more specific at the first segment where they differ. A trailing slash makes
//! no difference.

use std::cmp::Ordering;

/// The routes of an application, the most specific first.
#[derive(Debug, Default)]
pub struct Routes(Vec<Route>);

/// One route.
#[derive(Debug)]
pub struct Route {
    /// As the manifest has it.
    pub text: String,
    /// Who answers it.
    pub component: String,
    segments: Vec<Segment>,
    wildcard: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Any,
}

/// The route that a path took.
#[derive(Clone, Copy, Debug)]
pub struct Match<'r, 'p> {
    /// The route.
    pub route: &'r Route,
    /// Where it stands among its application's routes.
    pub index: usize,
    /// What the trailing wildcard matched, with its leading slash, or nothing.
    pub rest: &'p str,
}

/// Why a route cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// It is not written as a route is.
    #[error("the route `{0}` is malformed: {1}")]
    Malformed(String, &'static str),
    /// Two routes match the same paths.
    #[error("the routes `{0}` and `{1}` are the same")]
    Twice(String, String),
}

impl Routes {
    /// Orders `(route, component)` pairs.
    ///
    /// # Errors
    /// When a route is malformed or given twice.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, RouteError> {
        let mut routes = pairs
            .into_iter()
            .map(|(text, component)| Route::parse(text, component))
            .collect::<Result<Vec<_>, _>>()?;
        routes.sort_by(Route::specificity);
        for (one, other) in routes.iter().zip(routes.iter().skip(1)) {
            if one.specificity(other) == Ordering::Equal {
                return Err(RouteError::Twice(one.text.clone(), other.text.clone()));
            }
        }
        Ok(Self(routes))
    }

    /// The route that answers `path`.
    #[must_use]
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        self.0
            .iter()
            .enumerate()
            .find_map(|(index, route)| route.matches(path).map(|rest| Match { route, index, rest }))
    }

    /// Every route.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }
}

impl Route {
    fn parse(text: String, component: String) -> Result<Self, RouteError> {
        let malformed = |reason| Err(RouteError::Malformed(text.clone(), reason));
        let Some(path) = text.strip_prefix('/') else {
            return malformed("it does not begin with a slash");
        };
        let (path, wildcard) = match path.strip_suffix("...") {
            Some(path) if path.is_empty() || path.ends_with('/') => (path, true),
            Some(_) => return malformed("`...` must be a segment of its own"),
            None => (path, false),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = Vec::new();
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            segments.push(match segment.strip_prefix(':') {
                _ if segment.is_empty() => return malformed("it has an empty segment"),
                _ if segment.contains("...") => return malformed("`...` must come last"),
                Some("") => return malformed("a `:` needs a name"),
                Some(_) => Segment::Any,
                None => Segment::Exact(segment.to_owned()),
            });
        }
        if http::HeaderValue::try_from(&text).is_err() {
            return malformed("it has letters that no path has");
        }
        Ok(Self {
            text,
            component,
            segments,
            wildcard,
        })
    }

    /// What the wildcard takes of `path`, if the route matches.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut rest = path;
        for segment in &self.segments {
            let after = rest.strip_prefix('/')?;
            let end = after.find('/').unwrap_or(after.len());
            let (here, next) = after.split_at(end);
            match segment {
                Segment::Exact(exact) if exact != here => return None,
                Segment::Any if here.is_empty() => return None,
                _ => rest = next,
            }
        }
        if self.wildcard {
            return Some(rest);
        }
        (rest.is_empty() || rest == "/").then_some("")
    }

    /// The more specific route comes first.
    fn specificity(&self, other: &Self) -> Ordering {
        self.ranks().cmp(other.ranks())
    }

    fn ranks(&self) -> impl Iterator<Item = (u8, &str)> {
        let end = if self.wildcard { 3 } else { 2 };
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Exact(exact) => (0, exact.as_str()),
                Segment::Any => (1, ""),
            })
            .chain(std::iter::once((end, "")))
    }
}
