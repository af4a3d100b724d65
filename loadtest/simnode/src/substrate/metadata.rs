//! The metadata of the simulated runtime (version 14): what lets a client encode calls
//! and decode storage by their names. Three pallets, with what the simulation answers
//! truthfully: accounts, height and events; the time; transfers.
//!
//! Source: frame-metadata and scale-info, whose encodings are written here by hand.

mod types;

use std::sync::LazyLock;

use self::types::{Id, Types, encoded_id, push_id, push_list};
use super::scale::push_bytes;

/// The bytes that `state_getMetadata` shows.
#[must_use]
pub fn bytes() -> &'static [u8] {
    static METADATA: LazyLock<Vec<u8>> = LazyLock::new(build);
    &METADATA
}

/// Values of the storage's hasher column.
const BLAKE2_128_CONCAT: u8 = 2;

/// The numbers of the types that others are made of.
struct Base {
    byte: Id,
    short: Id,
    word: Id,
    long: Id,
    amount: Id,
    bytes: Id,
    hash: Id,
    account: Id,
    address: Id,
    compact_word: Id,
    compact_long: Id,
    compact_amount: Id,
}

impl Base {
    fn new(types: &mut Types) -> Self {
        let byte = types.primitive("u8", 3);
        let (short, word) = (types.primitive("u16", 4), types.primitive("u32", 5));
        let (long, amount) = (types.primitive("u64", 6), types.primitive("u128", 7));
        let bytes = types.sequence(byte);
        let (twenty, thirty_two) = (types.array(20, byte), types.array(32, byte));
        let hash = types.composite("primitive_types::H256", &[("", thirty_two)]);
        let account = types.composite("sp_core::crypto::AccountId32", &[("", thirty_two)]);
        let unit = types.tuple(&[]);
        let index = types.compact(unit);
        let address = types.variant_of(
            "sp_runtime::multiaddress::MultiAddress",
            &[("AccountId", account), ("AccountIndex", unit)],
            &[
                ("Id", 0, &[("", account)]),
                ("Index", 1, &[("", index)]),
                ("Raw", 2, &[("", bytes)]),
                ("Address32", 3, &[("", thirty_two)]),
                ("Address20", 4, &[("", twenty)]),
            ],
        );
        let (compact_word, compact_long) = (types.compact(word), types.compact(long));
        let compact_amount = types.compact(amount);
        Self {
            byte,
            short,
            word,
            long,
            amount,
            bytes,
            hash,
            account,
            address,
            compact_word,
            compact_long,
            compact_amount,
        }
    }
}

/// The calls of the three pallets, and of the runtime.
struct Calls {
    system: Id,
    timestamp: Id,
    balances: Id,
    all: Id,
}

impl Calls {
    fn new(types: &mut Types, base: &Base) -> Self {
        let remark = [("remark", base.bytes)];
        let system = types.variant(
            "frame_system::pallet::Call",
            &[("remark", 0, &remark), ("remark_with_event", 7, &remark)],
        );
        let timestamp = types.variant(
            "pallet_timestamp::pallet::Call",
            &[("set", 0, &[("now", base.compact_long)])],
        );
        let transfer = [("dest", base.address), ("value", base.compact_amount)];
        let balances = types.variant(
            "pallet_balances::pallet::Call",
            &[("transfer_allow_death", 0, &transfer), ("transfer_keep_alive", 3, &transfer)],
        );
        let all = types.variant(
            "headrace_runtime::RuntimeCall",
            &[
                ("System", 0, &[("", system)]),
                ("Timestamp", 3, &[("", timestamp)]),
                ("Balances", 5, &[("", balances)]),
            ],
        );
        Self { system, timestamp, balances, all }
    }
}

/// What a header carries besides its roots.
fn digest(types: &mut Types, base: &Base) -> Id {
    let engine = types.array(4, base.byte);
    let of_engine = [("", engine), ("", base.bytes)];
    let item = types.variant(
        "sp_runtime::generic::digest::DigestItem",
        &[
            ("Other", 0, &[("", base.bytes)]),
            ("Consensus", 4, &of_engine),
            ("Seal", 5, &of_engine),
            ("PreRuntime", 6, &of_engine),
            ("RuntimeEnvironmentUpdated", 8, &[]),
        ],
    );
    let logs = types.sequence(item);
    types.composite("sp_runtime::generic::digest::Digest", &[("logs", logs)])
}

/// The record of an account.
fn account_info(types: &mut Types, base: &Base) -> Id {
    let flags = types.composite("pallet_balances::types::ExtraFlags", &[("", base.amount)]);
    let data = types.composite(
        "pallet_balances::types::AccountData",
        &[
            ("free", base.amount),
            ("reserved", base.amount),
            ("frozen", base.amount),
            ("flags", flags),
        ],
    );
    types.composite_of(
        "frame_system::AccountInfo",
        &[("Nonce", base.word), ("AccountData", data)],
        &[
            ("nonce", base.word),
            ("consumers", base.word),
            ("providers", base.word),
            ("sufficients", base.word),
            ("data", data),
        ],
    )
}

/// The events of the system pallet, and the list of what happened in a block.
fn events(types: &mut Types, base: &Base) -> (Id, Id) {
    let weight = types.composite(
        "sp_weights::weight_v2::Weight",
        &[("ref_time", base.compact_long), ("proof_size", base.compact_long)],
    );
    let class = types.variant(
        "frame_support::dispatch::DispatchClass",
        &[("Normal", 0, &[]), ("Operational", 1, &[]), ("Mandatory", 2, &[])],
    );
    let pays = types.variant("frame_support::dispatch::Pays", &[("Yes", 0, &[]), ("No", 1, &[])]);
    let info = types.composite(
        "frame_support::dispatch::DispatchInfo",
        &[("weight", weight), ("class", class), ("pays_fee", pays)],
    );
    let system = types.variant(
        "frame_system::pallet::Event",
        &[("ExtrinsicSuccess", 0, &[("dispatch_info", info)])],
    );
    let all = types.variant("headrace_runtime::RuntimeEvent", &[("System", 0, &[("", system)])]);
    let phase = types.variant(
        "frame_system::Phase",
        &[
            ("ApplyExtrinsic", 0, &[("", base.word)]),
            ("Finalization", 1, &[]),
            ("Initialization", 2, &[]),
        ],
    );
    let topics = types.sequence(base.hash);
    let record = types.composite_of(
        "frame_system::EventRecord",
        &[("E", all), ("T", base.hash)],
        &[("phase", phase), ("event", all), ("topics", topics)],
    );
    (system, types.sequence(record))
}

/// One entry of a pallet's storage: name, the key's type in a map, type, default.
struct Entry<'a>(&'a str, Option<Id>, Id, Vec<u8>);

/// One constant of a pallet: name, type, value.
struct Constant<'a>(&'a str, Id, Vec<u8>);

/// One pallet.
struct Pallet<'a> {
    name: &'a str,
    index: u8,
    storage: Vec<Entry<'a>>,
    calls: Id,
    events: Option<Id>,
    constants: Vec<Constant<'a>>,
}

impl Pallet<'_> {
    fn push(&self, out: &mut Vec<u8>) {
        push_bytes(out, self.name.as_bytes());
        out.push(u8::from(!self.storage.is_empty()));
        if !self.storage.is_empty() {
            push_bytes(out, self.name.as_bytes());
            push_list(out, &self.storage, push_entry);
        }
        out.push(1);
        push_id(out, self.calls);
        out.push(u8::from(self.events.is_some()));
        self.events.iter().for_each(|events| push_id(out, *events));
        push_list(out, &self.constants, |out, Constant(name, id, value)| {
            push_bytes(out, name.as_bytes());
            push_id(out, *id);
            push_bytes(out, value);
            out.push(0);
        });
        // No errors.
        out.extend_from_slice(&[0, self.index]);
    }
}

fn push_entry(out: &mut Vec<u8>, Entry(name, key, value, default): &Entry<'_>) {
    push_bytes(out, name.as_bytes());
    // With a default.
    out.push(1);
    match key {
        None => out.push(0),
        Some(key) => {
            out.push(1);
            push_bytes(out, &[BLAKE2_128_CONCAT]);
            push_id(out, *key);
        }
    }
    push_id(out, *value);
    push_bytes(out, default);
    out.push(0);
}

fn build() -> Vec<u8> {
    let mut types = Types::default();
    let base = Base::new(&mut types);
    let calls = Calls::new(&mut types, &base);
    let info = account_info(&mut types, &base);
    let (event, records) = events(&mut types, &base);
    let digest = digest(&mut types, &base);
    let extrinsic = extrinsic(&mut types, &base, &calls);
    let runtime = types.composite("headrace_runtime::Runtime", &[]);
    let pallets = [
        Pallet {
            name: "System",
            index: 0,
            storage: vec![
                Entry("Account", Some(base.account), info, vec![0; 80]),
                Entry("Number", None, base.word, vec![0; 4]),
                Entry("Events", None, records, vec![0]),
                Entry("Digest", None, digest, vec![0]),
            ],
            calls: calls.system,
            events: Some(event),
            constants: vec![
                Constant("BlockHashCount", base.word, 4_096_u32.to_le_bytes().to_vec()),
                Constant("SS58Prefix", base.short, vec![42, 0]),
            ],
        },
        Pallet {
            name: "Timestamp",
            index: 3,
            storage: vec![Entry("Now", None, base.long, vec![0; 8])],
            calls: calls.timestamp,
            events: None,
            constants: vec![Constant("MinimumPeriod", base.long, vec![0; 8])],
        },
        Pallet {
            name: "Balances",
            index: 5,
            storage: Vec::new(),
            calls: calls.balances,
            events: None,
            constants: vec![Constant("ExistentialDeposit", base.amount, vec![0; 16])],
        },
    ];
    let mut out = b"meta\x0e".to_vec();
    push_list(&mut out, &types.encoded, |out, encoded| out.extend_from_slice(encoded));
    push_list(&mut out, &pallets, |out, pallet| pallet.push(out));
    out.extend_from_slice(&extrinsic);
    push_id(&mut out, runtime);
    out
}

/// The form of an extrinsic: its type, version and extensions, encoded.
fn extrinsic(types: &mut Types, base: &Base, calls: &Calls) -> Vec<u8> {
    let (long, longer) = (types.array(64, base.byte), types.array(65, base.byte));
    let signature = types.variant(
        "sp_runtime::MultiSignature",
        &[
            ("Ed25519", 0, &[("", long)]),
            ("Sr25519", 1, &[("", long)]),
            ("Ecdsa", 2, &[("", longer)]),
        ],
    );
    let unit = types.tuple(&[]);
    let era = types.variant("sp_runtime::generic::era::Era", &[("Immortal", 0, &[])]);
    let mode = types.variant(
        "frame_metadata_hash_extension::Mode",
        &[("Disabled", 0, &[]), ("Enabled", 1, &[])],
    );
    let digest = types.array(32, base.byte);
    let maybe = types.variant_of(
        "Option",
        &[("T", digest)],
        &[("None", 0, &[]), ("Some", 1, &[("", digest)])],
    );
    // Name, what stands in the extrinsic, what is signed besides.
    let extensions = [
        ("CheckSpecVersion", unit, base.word),
        ("CheckTxVersion", unit, base.word),
        ("CheckGenesis", unit, base.hash),
        ("CheckMortality", era, base.hash),
        ("CheckNonce", base.compact_word, unit),
        ("ChargeTransactionPayment", base.compact_amount, unit),
        ("CheckMetadataHash", mode, maybe),
    ];
    let extra: Vec<Id> = extensions.iter().map(|(_, id, _)| *id).collect();
    let extra = types.tuple(&extra);
    let params = [
        ("Address", base.address),
        ("Call", calls.all),
        ("Signature", signature),
        ("Extra", extra),
    ];
    let path = "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic";
    let unchecked = types.composite_of(path, &params, &[("", base.bytes)]);
    let mut out = encoded_id(unchecked);
    out.push(4);
    push_list(&mut out, &extensions, |out, (name, inside, besides)| {
        push_bytes(out, name.as_bytes());
        push_id(out, *inside);
        push_id(out, *besides);
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::substrate::scale::Reader;

    /// Real clients are the judges of the rest: @polkadot/api and substrate-interface
    /// connect, read and send with it.
    #[test]
    fn it_begins_with_its_version_and_numbers_its_types_in_order() {
        let mut types = Types::default();
        let base = Base::new(&mut types);
        Calls::new(&mut types, &base);
        for (id, encoded) in types.encoded.iter().enumerate() {
            assert_eq!(Reader::new(encoded).compact(), Ok(id as u128));
        }
        let rest = bytes().strip_prefix(b"meta\x0e").unwrap();
        assert!(Reader::new(rest).compact().unwrap() > types.encoded.len() as u128);
        assert!(rest.windows(types.encoded[5].len()).any(|part| part == types.encoded[5]));
    }
}
