//! The golden vectors of docs/protocol-vectors.json, against which the companion is tested as well.

use serde_json::Value;
use std::string::String;
use std::vec::Vec;
use std::{format, fs, vec};

use crate::advertising::ServiceData;
use crate::battery;
use crate::calibration::Calibration;
use crate::control::{self, Answer, Malformed, Opcode, Request, Status};
use crate::force;
use crate::hal::Supply;
use crate::information::{Information, PROFILE_MINOR};
use crate::measurement::Frame;
use crate::rate::Rate;
use crate::statistics::{Counters, Crash, Page, SelfTest};

/// No files beside the sources: a failing case is printed with its seed.
pub fn proptest_config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: None,
        cases: if cfg!(miri) { 4 } else { 256 },
        ..Default::default()
    }
}

fn vectors(section: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol-vectors.json");
    let text = fs::read_to_string(path).expect("the golden vectors");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    all[section].as_array().expect("a list of vectors").clone()
}

fn bytes(vector: &Value) -> Vec<u8> {
    let hex = vector["bytes"].as_str().expect("bytes");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal")).collect()
}

fn int(vector: &Value, key: &str) -> i64 {
    vector[key].as_i64().unwrap_or_else(|| panic!("{key} in {vector}"))
}

fn flag(vector: &Value, key: &str) -> bool {
    vector[key].as_bool().unwrap_or_else(|| panic!("{key} in {vector}"))
}

/// A flag that a vector of version 1.0 does not know.
fn later_flag(vector: &Value, key: &str) -> bool {
    vector[key].as_bool().unwrap_or(false)
}

/// The minor version that brought what a vector shows.
fn since(vector: &Value) -> u64 {
    vector["since_minor"].as_u64().unwrap_or(0)
}

fn ints(vector: &Value, key: &str) -> Vec<i64> {
    vector[key].as_array().expect(key).iter().map(|x| x.as_i64().expect(key)).collect()
}

#[test]
fn measurements() {
    for vector in vectors("measurement") {
        let bytes = bytes(&vector);
        let frame = Frame::decode(&bytes).unwrap_or_else(|| panic!("{}", vector["name"]));
        assert_eq!(i64::from(frame.sequence), int(&vector, "sequence"));
        assert_eq!(i64::from(frame.time_us), int(&vector, "time_us"));
        assert_eq!(i64::from(frame.span_us), int(&vector, "span_us"));
        let flags = &vector["flags"];
        assert_eq!(frame.flags.saturated, flag(flags, "saturated"));
        assert_eq!(frame.flags.overrun, flag(flags, "overrun"));
        assert_eq!(frame.flags.gap_before, flag(flags, "gap_before"));
        assert_eq!(frame.flags.low_battery, flag(flags, "low_battery"));
        if since(&vector) > 0 {
            assert_eq!(frame.flags.settling, flag(flags, "settling"));
            assert_eq!(frame.flags.late_stamp, flag(flags, "late_stamp"));
        }
        assert_eq!(frame.counts.iter().map(|c| i64::from(*c)).collect::<Vec<_>>(), ints(&vector, "counts"));
        let times: Vec<_> = frame.sample_times_us().map(i64::from).collect();
        assert_eq!(times, ints(&vector, "sample_times_us"), "{}", vector["name"]);
        let mut sent = bytes;
        sent[2] &= 0x3F; // reserved bits are sent as 0
        assert_eq!(frame.encode().as_slice(), sent);
    }
}

#[test]
fn malformed_measurements() {
    for vector in vectors("measurement_invalid") {
        assert_eq!(Frame::decode(&bytes(&vector)), None, "{}", vector["name"]);
    }
}

fn expected_request(vector: &Value) -> (Opcode, Value) {
    (Opcode::from_byte(bytes(vector)[1]).expect("a known opcode"), vector.clone())
}

#[test]
fn requests() {
    for vector in vectors("control_request") {
        let bytes = bytes(&vector);
        let (head, request) = control::decode(&bytes).expect("long enough");
        assert_eq!(i64::from(head.id), int(&vector, "id"));
        let request = request.unwrap_or_else(|status| panic!("{}: {status:?}", vector["name"]));
        let (opcode, fields) = expected_request(&vector);
        assert_eq!(head.opcode, opcode as u8);
        let name = vector["request"].as_str().expect("request");
        let u8_of = |key| int(&fields, key) as u8;
        let piece = || {
            let hex = fields["data"].as_str().expect("data");
            (0..hex.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal"))
                .collect::<Vec<_>>()
        };
        let data = if name == "write_calibration" { piece() } else { vec![] };
        let expected = match name {
            "start" => Request::Start(Rate::from_hz(int(&fields, "rate_hz") as u16).expect("rate")),
            "stop" => Request::Stop,
            "identify" => Request::Identify { seconds: u8_of("seconds") },
            "sleep" => Request::Sleep,
            "set_label" => Request::SetLabel(fields["label"].as_str().expect("label")),
            "read_statistics" => Request::ReadStatistics(Page::from_byte(u8_of("page")).expect("page")),
            "read_calibration" => Request::ReadCalibration { offset: u8_of("offset") },
            "write_calibration" => {
                Request::WriteCalibration { total: u8_of("total"), offset: u8_of("offset"), data: &data }
            }
            "open_pairing" => Request::OpenPairing { seconds: u8_of("seconds") },
            "forget_bonds" => Request::ForgetBonds { everyone: flag(&fields, "everyone") },
            "time_mark" => Request::TimeMark,
            "self_test" => Request::SelfTest,
            "set_options" => Request::SetOptions(u8_of("options")),
            other => panic!("unknown request {other}"),
        };
        assert_eq!(request, expected);
    }
}

#[test]
fn requests_that_are_refused() {
    for vector in vectors("control_request_invalid") {
        let bytes = bytes(&vector);
        let answer = match control::decode(&bytes) {
            Err(Malformed) => String::from("att 0x0d"),
            Ok((_, Err(status))) => format!("status {}", status as u8),
            Ok((_, Ok(request))) => format!("accepted as {request:?}"),
        };
        assert_eq!(answer, vector["answer"].as_str().expect("answer"), "{}", vector["name"]);
    }
}

fn answer(vector: &Value) -> Option<Answer> {
    let head = control::Head { id: int(vector, "id") as u8, opcode: int(vector, "opcode") as u8 };
    let status = int(vector, "status");
    let result = &vector["result"];
    if status == 200 {
        return None; // of a later version: nothing this firmware sends
    }
    if status != 0 {
        return Some(Answer::refused(head, Status::from_byte(status as u8).expect("status")));
    }
    let u16_of = |key| int(result, key) as u16;
    let u32_of = |key| int(result, key) as u32;
    Some(match head.opcode {
        0x01 => Answer::started(
            head,
            u16_of("rate_hz"),
            u32_of("time_us"),
            u16_of("next_sequence"),
            u16_of("boot_number"),
        ),
        0x02 => Answer::stopped(head, u32_of("time_us"), u16_of("next_sequence")),
        0x07 => {
            let hex = result["data"].as_str().expect("data");
            let mut record = vec![0u8; int(result, "total") as usize];
            let offset = int(result, "offset") as usize;
            for i in (0..hex.len()).step_by(2) {
                record[offset + i / 2] = u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal");
            }
            let mtu = 3 + 5 + hex.len() as u16 / 2;
            Answer::calibration(head, &record, offset as u8, mtu).expect("within the record")
        }
        0x0B => Answer::time_mark(head, u32_of("time_us"), u16_of("next_sequence"), u16_of("boot_number")),
        0x06 => match int(result, "page") {
            0 => Answer::statistics(
                head,
                &Counters {
                    uptime_s: u32_of("uptime_s"),
                    overruns: u32_of("overruns"),
                    notifications_dropped: u32_of("notifications_dropped"),
                    boot_number: u16_of("resets"),
                    reset_cause: int(result, "reset_cause") as u8,
                }
                .encode(),
            ),
            1 => Answer::statistics(
                head,
                &SelfTest {
                    outcome: if result["not_run"] == Value::Bool(true) {
                        SelfTest::NOT_RUN
                    } else if flag(result, "passed") {
                        SelfTest::PASSED
                    } else {
                        0
                    },
                    noise_counts_rms_x16: (result["noise_counts_rms"].as_f64().expect("noise") * 16.0) as u32,
                    offset_counts: int(result, "offset_counts") as i32,
                    excitation_mv: u16_of("excitation_mv"),
                    battery_mv: u16_of("battery_mv"),
                    temperature_centi_c: result["temperature_c"].as_f64().map(|t| (t * 100.0) as i16),
                }
                .encode(),
            ),
            2 => Answer::statistics(
                head,
                &Crash {
                    kind: int(result, "kind") as u8,
                    program_counter: u32_of("program_counter"),
                    detail: u32_of("detail"),
                    boot_number: u16_of("boot_number"),
                }
                .encode(),
            ),
            3 => Answer::statistics(
                head,
                &battery::supply_page(
                    Supply {
                        cell_mv: u16_of("cell_mv"),
                        external: flag(result, "external_power"),
                        charging: flag(result, "charging"),
                    },
                    result["temperature_c"].as_f64().map(|t| (t * 100.0) as i16),
                ),
            ),
            page => panic!("page {page}"),
        },
        _ => Answer::done(head),
    })
}

#[test]
fn answers() {
    for vector in vectors("control_answer") {
        if let Some(answer) = answer(&vector) {
            assert_eq!(answer.as_bytes(), bytes(&vector), "{}", vector["name"]);
        }
    }
}

#[test]
fn self_test_outcomes() {
    // The second self-test vector spells its outcome byte out: bit 7, not run yet, and nothing else.
    assert_eq!(SelfTest::NOT_RUN, 0x80);
    assert_eq!(SelfTest::PASSED, 0x01);
}

#[test]
fn information() {
    for vector in vectors("information").iter().filter(|v| int(v, "minor") <= i64::from(PROFILE_MINOR)) {
        let rates = ints(vector, "rates_hz");
        let information = Information {
            features: int(vector, "features") as u16,
            serial: u64::from_str_radix(vector["serial"].as_str().expect("serial"), 16).expect("serial"),
            gain: int(vector, "gain") as u8,
            rates: Rate::ALL
                .into_iter()
                .filter(|r| rates.contains(&i64::from(r.hz())))
                .fold(0, |bits, rate| bits | Information::rate_bit(rate)),
            boot_number: int(vector, "boot_number") as u16,
            full_scale_mn: vector["full_scale_n"].as_f64().map_or(0, |n| (n * 1000.0) as u32),
            highest_count: int(vector, "highest_count") as i32,
            lowest_count: int(vector, "lowest_count") as i32,
            options: int(vector, "options") as u8,
            label: vector["label"].as_str().expect("label"),
        };
        let mut expected = bytes(vector);
        // What was said by 1.0 is said in the same bytes by every later minor version, but for its number.
        expected[1] = PROFILE_MINOR;
        assert_eq!(information.encode().as_slice(), expected, "{}", vector["name"]);
    }
}

#[test]
fn calibrations() {
    for vector in vectors("calibration") {
        let bytes = bytes(&vector);
        let calibration = Calibration::decode(&bytes).unwrap_or_else(|e| panic!("{}: {e:?}", vector["name"]));
        assert_eq!(calibration.grade as i64, int(&vector, "grade"));
        assert_eq!(i64::from(calibration.made_at_s), int(&vector, "made_at_s"));
        assert_eq!(i64::from(calibration.zero_counts), int(&vector, "zero_counts"));
        for (value, key) in [
            (calibration.newton_per_count, "newton_per_count"),
            (calibration.newton_per_count2, "newton_per_count2"),
            (calibration.zero_uncertainty_n, "zero_uncertainty_n"),
            (calibration.span_uncertainty, "span_uncertainty"),
            (calibration.newton_per_kelvin, "newton_per_kelvin"),
        ] {
            assert_eq!(f64::from(value), vector[key].as_f64().expect(key), "{key}");
        }
        let reference = calibration.reference_temperature_centi_c.map(|t| f64::from(t) / 100.0);
        assert_eq!(reference, vector["reference_temperature_c"].as_f64());
        assert_eq!(calibration.encode().as_slice(), bytes, "{}", vector["name"]);
    }
}

#[test]
fn refused_calibrations() {
    for vector in vectors("calibration_invalid") {
        assert!(Calibration::decode(&bytes(&vector)).is_err(), "{}", vector["name"]);
    }
}

#[test]
fn advertising() {
    for vector in vectors("advertising") {
        let bytes = bytes(&vector);
        let data = ServiceData {
            pairing_open: flag(&vector, "pairing_open"),
            connected: flag(&vector, "connected"),
            streaming: flag(&vector, "streaming"),
            low_battery: flag(&vector, "low_battery"),
            external_power: later_flag(&vector, "external_power"),
            charging: later_flag(&vector, "charging"),
            battery_percent: vector["battery_percent"].as_u64().map(|percent| percent as u8),
        };
        assert_eq!(data.encode(), bytes[..3], "{}", vector["name"]);
    }
}

#[test]
fn forces() {
    for vector in vectors("force") {
        let expected = bytes(&vector);
        let encoded = vector["force_n"].as_f64().map_or(force::UNKNOWN, |n| force::encode(n as f32));
        assert_eq!(encoded.as_slice(), expected, "{}", vector["name"]);
    }
}
