//! Query string and form body as one set of parameters.
//!
//! Names are read without regard to case; where a name is given twice the first
//! wins, and the query string comes before the body. The spelling a name came
//! in is kept beside it, because some clients sort by it before they sign.
//!
//! Reading never fails: a set with a fault in it still says which command and
//! which format were meant, so that the refusal reaches the caller in a form it
//! understands.

use percent_encoding::percent_decode;

use cloudtally_model::ApiError;
use cloudtally_platform::engine::RawParams;

/// Parameters read at most, so that a request nobody signed costs little.
const PARAMS_MAX: usize = 1000;

/// Parameters that control the request itself: commands never see these.
const CONTROL: &[&str] =
    &["apikey", "command", "expires", "response", "sessionkey", "signature", "signatureversion"];

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
pub(crate) struct Params {
    params: Vec<Param>,
    fault: Option<ApiError>,
}

impl Params {
    /// Reads a query string and a form body.
    pub(crate) fn read(query: &[u8], form: &[u8]) -> Self {
        let mut read = Self::default();
        let pairs = query.split(|b| *b == b'&').chain(form.split(|b| *b == b'&'));
        for (index, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
            if index == PARAMS_MAX {
                read.note(|| format!("The request has more than {PARAMS_MAX} parameters"));
                break;
            }
            read.add(pair);
        }
        read
    }

    fn add(&mut self, pair: &[u8]) {
        let equals = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let sent = self.decode(&pair[..equals]);
        let value = self.decode(pair.get(equals + 1..).unwrap_or_default());
        let name = sent.to_lowercase();
        // The signed text has names as they are, so `a=1&b` as one name would
        // read like two parameters there.
        if name.contains(|c: char| c.is_ascii_control() || c == '&' || c == '=') {
            self.note(|| {
                format!("The parameter name `{name}` contains a character that names cannot have")
            });
        }
        if value.contains(|c: char| c.is_ascii_control()) {
            self.note(|| {
                format!(
                    "Received value for parameter {name} is invalid, contains illegal ASCII non-printable characters"
                )
            });
        }
        if !name.is_empty() && self.get(&name).is_none() {
            self.params.push(Param { sent, name, value });
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        let decoded = percent_decode(&spaced);
        if let Ok(text) = decoded.clone().decode_utf8() {
            return text.into_owned();
        }
        let text = decoded.decode_utf8_lossy().into_owned();
        self.note(|| format!("The parameter text `{text}` is not UTF-8"));
        text
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(|| ApiError::parameter(text()));
    }

    /// Refuses a set in which something could not be read.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// The value of a parameter, given its name in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.name == name).map(|param| param.value.as_str())
    }

    /// The value of a parameter, unless it is empty: an empty value is none.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Returns the parameters for the command.
    pub(crate) fn of_command(&self) -> RawParams {
        let params = self.params.iter().filter(|param| !CONTROL.contains(&param.name.as_str()));
        params.map(|param| (param.name.clone(), param.value.clone())).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Param> {
        self.params.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloudtally_model::ErrorCode;

    #[test]
    fn one_set_from_query_and_body() {
        let params =
            Params::read(b"Command=listZones&a=1%202+3%2B&&empty=&flag", b"a=9&tags[0].key=x");
        assert_eq!(params.check(), Ok(()));
        assert_eq!(params.get("command"), Some("listZones"));
        assert_eq!(params.get("a"), Some("1 2 3+"), "the query string wins");
        assert_eq!(params.get("tags[0].key"), Some("x"));
        assert_eq!((params.get("empty"), params.given("empty")), (Some(""), None));
        assert_eq!(params.get("flag"), Some(""));
    }

    #[test]
    fn brackets_in_names_may_be_encoded() {
        let params = Params::read(b"tags%5B0%5D.key=caf%C3%A9/1%2f2", b"");
        assert_eq!(params.get("tags[0].key"), Some("café/1/2"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_the_rest_is_known() {
        for query in ["a=%00", "a=%0a", "a=%7f", "a=%ff", "%ff=a", "a%26b=c", "a%3Db=c", "a%0a=c"] {
            let params = Params::read(format!("{query}&response=json").as_bytes(), b"");
            assert_eq!(params.check().unwrap_err().code, ErrorCode::Parameter, "{query}");
            assert_eq!(params.get("response"), Some("json"), "{query}");
        }
    }

    #[test]
    fn commands_see_no_secrets_of_the_request() {
        let params = Params::read(b"command=x&apiKey=k&SIGNATURE=s&sessionkey=q&Name=a&b=", b"");
        let of_command = [("name", "a"), ("b", "")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(params.of_command(), of_command);
    }

    #[test]
    fn a_thousand_parameters_are_enough() {
        let query: String = (0..=PARAMS_MAX).map(|i| format!("&p{i}=")).collect();
        assert!(Params::read(query.as_bytes(), b"").check().is_err());
        assert_eq!(Params::read(&query.as_bytes()[4..], b"").check(), Ok(()));
    }
}
