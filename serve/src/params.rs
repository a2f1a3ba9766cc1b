//! Query string and form body as one set of parameters.
//!
//! Names are read without regard to case; where a name is given twice the first
//! wins, and the query string comes before the body. The spelling a name came
//! in is kept beside it, because some clients sort by it before they sign.

use percent_encoding::percent_decode;

use crate::error::ApiError;

/// One parameter as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    /// The name as sent.
    pub(crate) sent: String,
    /// The name in lower case.
    pub(crate) name: String,
    /// The decoded value.
    pub(crate) value: String,
}

/// All parameters of a request, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<Param>);

impl Params {
    /// Reads a query string and a form body.
    pub(crate) fn read(query: &[u8], body: &[u8]) -> Result<Self, ApiError> {
        let mut params = Self::default();
        for pair in query.split(|b| *b == b'&').chain(body.split(|b| *b == b'&')) {
            if pair.is_empty() {
                continue;
            }
            let equals = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let sent = decode(&pair[..equals])?;
            let value = decode(pair.get(equals + 1..).unwrap_or_default())?;
            let name = sent.to_lowercase();
            if let Some(control) = value.chars().find(|c| c.is_control()) {
                return Err(ApiError::parameter(format!(
                    "Received value of parameter {name} contains the control character U+{:04X}, which is not allowed",
                    u32::from(control)
                )));
            }
            if params.get(&name).is_none() {
                params.0.push(Param { sent, name, value });
            }
        }
        Ok(params)
    }

    /// The value of a parameter, given its name in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|param| param.name == name).map(|param| param.value.as_str())
    }

    /// The value of a parameter, unless it is empty: an empty value is none.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }
}

fn decode(bytes: &[u8]) -> Result<String, ApiError> {
    let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| {
        ApiError::parameter(format!(
            "The parameter {} is not valid UTF-8",
            String::from_utf8_lossy(bytes)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_set_from_query_and_body() {
        let params =
            Params::read(b"Command=listZones&a=1%202+3&&empty=&flag", b"a=9&tags[0].key=x")
                .unwrap();
        assert_eq!(params.get("command"), Some("listZones"));
        assert_eq!(params.get("a"), Some("1 2 3"), "the query string wins");
        assert_eq!(params.get("tags[0].key"), Some("x"));
        assert_eq!((params.get("empty"), params.given("empty")), (Some(""), None));
        assert_eq!(params.get("flag"), Some(""));
    }

    #[test]
    fn control_characters_and_broken_utf8_are_refused() {
        for query in ["a=%00", "a=%0a", "a=%ff", "%ff=a"] {
            let error = Params::read(query.as_bytes(), b"").unwrap_err();
            assert_eq!(error.code, crate::error::ErrorCode::Parameter, "{query}");
        }
    }
}
