import Glibc

/// An IPv4 or IPv6 address, without a port. An IPv4 address equals its form in IPv6 (RFC 4291 §2.5.5.2).
struct IPAddress: Equatable {
    private let high: UInt64
    private let low: UInt64

    /// Nil for another family.
    init?(_ address: sockaddr_storage) {
        let bytes = unsafe withUnsafeBytes(of: address) { unsafe [UInt8]($0) }
        switch Int32(address.ss_family) {
        // Where the address begins: ip(7) and ipv6(7).
        case AF_INET: self.init(octets: bytes[4..<8])
        case AF_INET6: self.init(octets: bytes[8..<24])
        default: return nil
        }
    }

    /// - Parameter octets: 4 or 16, the most significant first; nil for any other number.
    init?(octets: some Collection<UInt8>) {
        func number(_ octets: some Sequence<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }
        switch octets.count {
        case 4: (high, low) = (0, 0xffff_0000_0000 | number(octets))
        case 16: (high, low) = (number(octets.prefix(8)), number(octets.dropFirst(8)))
        default: return nil
        }
    }

    /// 127.0.0.0/8 or ::1.
    var isLoopback: Bool { high == 0 && (low == 1 || low >> 24 == 0xff_ff7f) }
}
