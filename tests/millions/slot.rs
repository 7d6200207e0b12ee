//! Which slot of a Redis Cluster a key lies in, so that keys of one slot can be sent together.

/// CRC16 of the hash tag, as in the specification of Redis Cluster, appendix A.
pub fn of(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    });
    crc % 16_384
}

#[test]
fn the_slot_of_the_digits_is_that_of_the_specification() {
    assert_eq!(of("123456789"), 0x31c3);
}
