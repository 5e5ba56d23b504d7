//! The automerge-repo websocket protocol, version 1: one CBOR map a binary frame (docs/wire.md).
//!
//! Read leniently (any map width, unknown keys, `undefined`, integers as floats, tagged byte strings, as real
//! clients send them), written strictly.

mod shared;

pub use shared::{SharedFrame, Target};

use bytes::Bytes;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// The only protocol version there is.
pub const PROTOCOL_VERSION: &str = "1";

/// Longest id or message that is read out of a frame, in bytes.
const TEXT_LIMIT: usize = 1024;

/// A frame that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not CBOR, not a map, or cut off.
    #[error("this frame is not a CBOR map of the automerge-repo protocol: {0}")]
    Malformed(String),
    /// A field that its type must have is absent or of another kind.
    #[error("a “{kind}” message must have the field “{field}”")]
    MissingField {
        /// The message type.
        kind: String,
        /// What it lacks.
        field: &'static str,
    },
    /// An id that is far too long to be one.
    #[error("the field “{0}” is longer than {TEXT_LIMIT} bytes")]
    TooLong(&'static str),
}

impl From<minicbor::decode::Error> for WireError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// What a peer says of itself in `join` and `peer`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerMetadata {
    /// Under which id it stores documents; clients keep their sync state by it.
    pub storage_id: Option<String>,
    /// Whether it stores nothing.
    pub is_ephemeral: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A client introduces itself.
    Join {
        /// Its peer id.
        sender: String,
        /// What it says of itself.
        metadata: PeerMetadata,
        /// Versions it speaks.
        versions: Vec<String>,
    },
    /// The server's answer to `join`.
    Peer {
        /// The server's peer id.
        sender: String,
        /// The client's.
        target: String,
        /// What the server says of itself.
        metadata: PeerMetadata,
        /// The version chosen.
        version: String,
    },
    /// A client goes (samod).
    Leave {
        /// Its peer id.
        sender: String,
    },
    /// A sync message; `request` where the sender lacks the document.
    Sync {
        /// Who sends it.
        sender: String,
        /// To whom.
        target: String,
        /// The document, as text: whoever uses it parses it.
        document: String,
        /// The Automerge sync message, a slice of the frame.
        data: Bytes,
        /// Whether it came as `request`.
        request: bool,
    },
    /// The sender does not have (or may not show) the document.
    Unavailable {
        /// Who sends it.
        sender: String,
        /// To whom.
        target: String,
        /// The document.
        document: String,
    },
    /// A message to whoever has the document open; never stored.
    Ephemeral {
        /// Its author, also when it is relayed.
        sender: String,
        /// To whom.
        target: String,
        /// The document.
        document: String,
        /// The author's session.
        session: String,
        /// Counts up within the session.
        count: u64,
        /// The author's bytes.
        data: Bytes,
    },
    /// Something was refused; `message` says what and why.
    Error {
        /// Who sends it.
        sender: String,
        /// To whom.
        target: Option<String>,
        /// In words.
        message: String,
    },
    /// A type that this version does not know; to be ignored.
    Other {
        /// Its type.
        kind: String,
    },
}

/// The fields of a frame as they were found, before its type says which of them matter.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    sender: Option<String>,
    target: Option<String>,
    document: Option<String>,
    session: Option<String>,
    message: Option<String>,
    version: Option<String>,
    versions: Vec<String>,
    metadata: PeerMetadata,
    count: Option<u64>,
    data: Option<Bytes>,
}

impl Frame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`WireError`]; reading never panics, and takes time and memory in proportion to the frame.
    pub fn decode(frame: &Bytes) -> Result<Self, WireError> {
        let mut d = Decoder::new(frame);
        let mut f = Fields::default();
        each_entry(&mut d, |d, key| {
            match key {
                "type" => f.kind = text(d, "type")?,
                "senderId" => f.sender = text(d, "senderId")?,
                "targetId" => f.target = text(d, "targetId")?,
                "documentId" => f.document = text(d, "documentId")?,
                "sessionId" => f.session = text(d, "sessionId")?,
                "message" => f.message = text(d, "message")?,
                "selectedProtocolVersion" => f.version = text(d, "selectedProtocolVersion")?,
                "supportedProtocolVersions" => f.versions = texts(d)?,
                "peerMetadata" => f.metadata = metadata(d)?,
                "count" => f.count = count(d)?,
                "data" => f.data = data(d, frame)?,
                _ => d.skip()?,
            }
            Ok(())
        })?;
        f.into_frame()
    }

    /// Writes a frame.
    pub fn encode(&self) -> Bytes {
        let mut e = Writer::new();
        match self {
            Self::Join { sender, metadata, versions } => {
                e.map(4).pair("type", "join").pair("senderId", sender).metadata(metadata);
                e.texts("supportedProtocolVersions", versions);
            }
            Self::Peer { sender, target, metadata, version } => {
                e.map(5).pair("type", "peer").pair("senderId", sender).metadata(metadata);
                e.pair("selectedProtocolVersion", version).pair("targetId", target);
            }
            Self::Leave { sender } => {
                e.map(2).pair("type", "leave").pair("senderId", sender);
            }
            Self::Sync { sender, target, document, data, request } => {
                return SharedFrame::sync_like(
                    if *request { "request" } else { "sync" },
                    sender,
                    document,
                    data,
                )
                .addressed_to(&Target::new(target));
            }
            Self::Unavailable { sender, target, document } => {
                e.map(4).pair("type", "doc-unavailable").pair("senderId", sender);
                e.pair("documentId", document).pair("targetId", target);
            }
            Self::Ephemeral { sender, target, document, session, count, data } => {
                return SharedFrame::ephemeral(sender, document, session, *count, data)
                    .addressed_to(&Target::new(target));
            }
            Self::Error { sender, target, message } => {
                e.map(3 + u64::from(target.is_some())).pair("type", "error").pair("senderId", sender);
                e.pair("message", message);
                if let Some(target) = target {
                    e.pair("targetId", target);
                }
            }
            Self::Other { kind } => {
                e.map(1).pair("type", kind);
            }
        }
        e.finish()
    }
}

impl Fields {
    fn into_frame(self) -> Result<Frame, WireError> {
        let kind = self.kind.ok_or(WireError::MissingField { kind: "?".to_owned(), field: "type" })?;
        let missing = |field| WireError::MissingField { kind: kind.clone(), field };
        // Some clients leave out `targetId` where the connection makes it plain.
        let target = self.target.clone().unwrap_or_default();
        let sender = |given: Option<String>| given.ok_or_else(|| missing("senderId"));
        Ok(match kind.as_str() {
            "join" => {
                Frame::Join { sender: sender(self.sender)?, metadata: self.metadata, versions: self.versions }
            }
            "peer" => Frame::Peer {
                sender: sender(self.sender)?,
                target,
                metadata: self.metadata,
                version: self.version.ok_or_else(|| missing("selectedProtocolVersion"))?,
            },
            "leave" => Frame::Leave { sender: sender(self.sender)? },
            "sync" | "request" => Frame::Sync {
                sender: sender(self.sender)?,
                target,
                document: self.document.ok_or_else(|| missing("documentId"))?,
                data: self.data.ok_or_else(|| missing("data"))?,
                request: kind == "request",
            },
            "doc-unavailable" => Frame::Unavailable {
                sender: sender(self.sender)?,
                target,
                document: self.document.ok_or_else(|| missing("documentId"))?,
            },
            "ephemeral" => Frame::Ephemeral {
                sender: sender(self.sender)?,
                target,
                document: self.document.ok_or_else(|| missing("documentId"))?,
                session: self.session.ok_or_else(|| missing("sessionId"))?,
                count: self.count.ok_or_else(|| missing("count"))?,
                data: self.data.ok_or_else(|| missing("data"))?,
            },
            "error" => Frame::Error {
                sender: sender(self.sender)?,
                target: self.target,
                message: self.message.unwrap_or_default(),
            },
            _ => Frame::Other { kind },
        })
    }
}

/// Writes CBOR into memory, which cannot fail; hence the results that are passed over.
struct Writer(Encoder<Vec<u8>>);

impl Writer {
    fn new() -> Self {
        Self::with_capacity(160)
    }

    fn with_capacity(bytes: usize) -> Self {
        Self(Encoder::new(Vec::with_capacity(bytes)))
    }

    fn map(&mut self, entries: u64) -> &mut Self {
        let _ = self.0.map(entries);
        self
    }

    fn pair(&mut self, key: &str, value: &str) -> &mut Self {
        let _ = self.0.str(key).and_then(|e| e.str(value));
        self
    }

    fn texts(&mut self, key: &str, values: &[String]) -> &mut Self {
        let _ = self.0.str(key).and_then(|e| e.array(values.len() as u64));
        for value in values {
            let _ = self.0.str(value);
        }
        self
    }

    fn metadata(&mut self, metadata: &PeerMetadata) -> &mut Self {
        let _ = self.0.str("peerMetadata");
        self.map(1 + u64::from(metadata.storage_id.is_some()));
        let _ = self.0.str("isEphemeral").and_then(|e| e.bool(metadata.is_ephemeral));
        if let Some(id) = &metadata.storage_id {
            self.pair("storageId", id);
        }
        self
    }

    fn count(&mut self, count: u64) -> &mut Self {
        let _ = self.0.str("count").and_then(|e| e.u64(count));
        self
    }

    /// A message about a document, up to what it says: of that `data` is the key.
    fn sync_head(&mut self, kind: &str, sender: &str, document: &str) {
        self.map(5).pair("type", kind).pair("senderId", sender).pair("documentId", document);
        let _ = self.0.str("data");
    }

    fn data(&mut self, data: &[u8]) -> &mut Self {
        let _ = self.0.str("data").and_then(|e| e.bytes(data));
        self
    }

    fn finish(self) -> Bytes {
        self.0.into_writer().into()
    }
}

/// Calls `entry` for each key of the map at the decoder.
fn each_entry<'b>(
    d: &mut Decoder<'b>,
    mut entry: impl FnMut(&mut Decoder<'b>, &'b str) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut left = d.map()?;
    loop {
        match &mut left {
            Some(0) => return Ok(()),
            Some(n) => *n -= 1,
            None if d.datatype()? == Type::Break => {
                d.skip()?;
                return Ok(());
            }
            None => {}
        }
        let key = d.str()?;
        entry(d, key)?;
    }
}

/// A text; `None` for null and undefined, which clients send for what they do not have.
fn text(d: &mut Decoder<'_>, field: &'static str) -> Result<Option<String>, WireError> {
    match d.datatype()? {
        Type::String => match d.str()? {
            long if long.len() > TEXT_LIMIT => Err(WireError::TooLong(field)),
            text => Ok(Some(text.to_owned())),
        },
        Type::Null | Type::Undefined => {
            d.skip()?;
            Ok(None)
        }
        other => Err(WireError::Malformed(format!("the field “{field}” is a {other}, not a text"))),
    }
}

/// A list of a few texts; those past the sixteenth are passed over.
fn texts(d: &mut Decoder<'_>) -> Result<Vec<String>, WireError> {
    if d.datatype()? != Type::Array {
        d.skip()?;
        return Ok(Vec::new());
    }
    let n = d.array()?.unwrap_or(0);
    let mut all = Vec::new();
    for i in 0..n {
        match text(d, "supportedProtocolVersions")? {
            Some(one) if i < 16 => all.push(one),
            _ => {}
        }
    }
    Ok(all)
}

fn metadata(d: &mut Decoder<'_>) -> Result<PeerMetadata, WireError> {
    let mut metadata = PeerMetadata::default();
    if !matches!(d.datatype()?, Type::Map | Type::MapIndef) {
        d.skip()?;
        return Ok(metadata);
    }
    each_entry(d, |d, key| {
        match key {
            "storageId" => metadata.storage_id = text(d, "storageId")?,
            "isEphemeral" if d.datatype()? == Type::Bool => metadata.is_ephemeral = d.bool()?,
            _ => d.skip()?,
        }
        Ok(())
    })?;
    Ok(metadata)
}

/// A counter; JavaScript may send it as a float.
fn count(d: &mut Decoder<'_>) -> Result<Option<u64>, WireError> {
    Ok(match d.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => Some(d.u64()?),
        Type::F16 | Type::F32 | Type::F64 => {
            let float = d.f64()?;
            // Doubles hold integers exactly up to 2^53.
            let exact = (0.0..=9_007_199_254_740_992.0).contains(&float) && float.fract() == 0.0;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            exact.then_some(float as u64)
        }
        _ => {
            d.skip()?;
            None
        }
    })
}

/// A byte string, plain or tagged as a typed array, as a slice of `frame`.
fn data(d: &mut Decoder<'_>, frame: &Bytes) -> Result<Option<Bytes>, WireError> {
    if d.datatype()? == Type::Tag {
        d.tag()?;
    }
    match d.datatype()? {
        Type::Bytes => Ok(Some(frame.slice_ref(d.bytes()?))),
        Type::Null | Type::Undefined => {
            d.skip()?;
            Ok(None)
        }
        other => Err(WireError::Malformed(format!("the field “data” is a {other}, not a byte string"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        "[ -~é漢🙂]{0,40}"
    }

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
    }

    fn meta() -> impl Strategy<Value = PeerMetadata> {
        (proptest::option::of(name()), any::<bool>())
            .prop_map(|(storage_id, is_ephemeral)| PeerMetadata { storage_id, is_ephemeral })
    }

    fn frame() -> impl Strategy<Value = Frame> {
        prop_oneof![
            (name(), meta(), proptest::collection::vec(name(), 0..4))
                .prop_map(|(sender, metadata, versions)| Frame::Join { sender, metadata, versions }),
            (name(), name(), meta(), name()).prop_map(|(sender, target, metadata, version)| Frame::Peer {
                sender,
                target,
                metadata,
                version
            }),
            name().prop_map(|sender| Frame::Leave { sender }),
            (name(), name(), name(), bytes(), any::<bool>()).prop_map(
                |(sender, target, document, data, request)| Frame::Sync {
                    sender,
                    target,
                    document,
                    data,
                    request
                }
            ),
            (name(), name(), name()).prop_map(|(sender, target, document)| Frame::Unavailable {
                sender,
                target,
                document
            }),
            (name(), name(), name(), name(), any::<u64>(), bytes()).prop_map(
                |(sender, target, document, session, count, data)| Frame::Ephemeral {
                    sender,
                    target,
                    document,
                    session,
                    count,
                    data
                }
            ),
            (name(), proptest::option::of(name()), name())
                .prop_map(|(sender, target, message)| Frame::Error { sender, target, message }),
        ]
    }

    proptest! {
        #[test]
        fn every_frame_reads_back_as_written(frame in frame()) {
            prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn no_bytes_panic(bytes in bytes()) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn no_damaged_frame_panics(frame in frame(), at: prop::sample::Index, to: u8, cut: prop::sample::Index) {
            let mut bytes = frame.encode().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = Frame::decode(&Bytes::from(bytes.clone()));
            bytes.truncate(cut.index(bytes.len()));
            let _ = Frame::decode(&Bytes::from(bytes));
        }
    }

    #[test]
    fn what_real_clients_send_is_read() {
        // cbor-x writes maps with 16-bit widths, `undefined`, floats and tagged typed arrays.
        let mut e = Encoder::new(Vec::new());
        e.writer_mut().extend([0xb9, 0, 7]);
        e.str("type").unwrap().str("ephemeral").unwrap().str("senderId").unwrap().str("a").unwrap();
        e.str("documentId").unwrap().str("d").unwrap().str("sessionId").unwrap().str("s").unwrap();
        e.str("count").unwrap().f64(3.0).unwrap().str("extra").unwrap().undefined().unwrap();
        e.str("data").unwrap().tag(minicbor::data::Tag::new(64)).unwrap().bytes(b"xyz").unwrap();
        let frame = Frame::decode(&e.into_writer().into()).unwrap();
        let expected = Frame::Ephemeral {
            sender: "a".into(),
            target: String::new(),
            document: "d".into(),
            session: "s".into(),
            count: 3,
            data: Bytes::from_static(b"xyz"),
        };
        assert_eq!(frame, expected);
        // An indefinite-length map.
        let mut e = Encoder::new(Vec::new());
        e.begin_map().unwrap().str("type").unwrap().str("leave").unwrap();
        e.str("senderId").unwrap().str("b").unwrap().end().unwrap();
        assert_eq!(Frame::decode(&e.into_writer().into()), Ok(Frame::Leave { sender: "b".into() }));
    }

    #[test]
    fn what_lacks_a_field_or_floods_one_is_refused_in_words() {
        let mut e = Writer::new();
        e.map(1).pair("type", "sync");
        assert!(Frame::decode(&e.finish()).unwrap_err().to_string().contains("senderId"));
        let mut e = Writer::new();
        e.map(2).pair("type", "leave").pair("senderId", &"x".repeat(TEXT_LIMIT + 1));
        assert_eq!(Frame::decode(&e.finish()), Err(WireError::TooLong("senderId")));
        // A header that promises four billion entries costs nothing.
        assert!(Frame::decode(&Bytes::from_static(&[0xba, 0xff, 0xff, 0xff, 0xff])).is_err());
        // Deep nesting in an unknown key is skipped without recursion.
        let mut deep = vec![0xa1, 0x61, b'x'];
        deep.extend(std::iter::repeat_n(0x81, 500_000));
        deep.push(0);
        assert!(Frame::decode(&deep.into()).is_err());
    }
}
