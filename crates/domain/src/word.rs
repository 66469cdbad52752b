//! Enumerations that are written as one word in capitals, in the database and in answers.

/// Declares an enumeration whose variants are words: `as_str` writes one, `parse` reads it
/// whatever its case, and the error of `parse` names them all.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $first:ident = $first_word:literal $(, $variant:ident = $word:literal)* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            #[doc = concat!("`", $first_word, "`")]
            $first,
            $(#[doc = concat!("`", $word, "`")]
            $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];

            /// The word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }

            /// What `text` names, whatever its case.
            ///
            /// # Errors
            /// The sentence that names all the words.
            pub fn parse(text: &str) -> Result<Self, &'static str> {
                let mut all = Self::ALL.iter().copied();
                all.find(|known| known.as_str().eq_ignore_ascii_case(text))
                    .ok_or(concat!("must be one of ", $first_word $(, ", ", $word)*))
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::Availability;

    #[test]
    fn words_are_read_whatever_their_case_and_an_error_names_them_all() {
        for text in ["DISABLED", "disabled", "dIsAbLeD"] {
            assert_eq!(Availability::parse(text), Ok(Availability::Disabled));
        }
        for text in ["", "ACTIVE ", "ON", "DIſABLED"] {
            let error = Err("must be one of ACTIVE, DISABLED");
            assert_eq!(Availability::parse(text), error, "{text:?}");
        }
        assert_eq!(Availability::ALL.len(), 2);
        assert_eq!(Availability::Active.as_str(), "ACTIVE");
    }
}
