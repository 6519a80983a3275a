import Glibc
import TestSupport
import Testing

@testable import FastCGI

@Suite struct IPAddressTests {
    private static func address(_ text: String) throws -> IPAddress {
        var octets = [UInt8](repeating: 0, count: text.contains(":") ? 16 : 4)
        try #require(unsafe inet_pton(octets.count == 16 ? AF_INET6 : AF_INET, text, &octets) == 1)
        return try #require(IPAddress(octets: octets))
    }

    @Test(arguments: [
        Row("127.0.0.1", true), Row("127.255.255.254", true), Row("::1", true), Row("::ffff:127.0.0.1", true),
        Row("126.0.0.1", false), Row("128.0.0.1", false), Row("10.0.0.1", false), Row("::", false), Row("::2", false),
        Row("::127.0.0.1", false), Row("fe80::1", false), Row("2001:db8::1", false), Row("::fffe:127.0.0.1", false),
    ])
    func onlyLoopbackIsLoopback(_ row: Row<Bool>) throws {
        #expect(try Self.address(row.name).isLoopback == row.value)
    }

    @Test func addressesAreEqualWhereAllTheirOctetsAre() throws {
        #expect(try Self.address("10.0.0.1") == Self.address("::ffff:10.0.0.1"))
        #expect(try Self.address("10.0.0.1") != Self.address("10.0.0.2"))
        #expect(try Self.address("2001:db8::1") != Self.address("2001:db9::1"))
        #expect(try Self.address("2001:db8::1") != Self.address("2001:db8::2"))
    }

    @Test(arguments: [0, 3, 5, 15, 17])
    func otherNumberOfOctetsIsNoAddress(_ count: Int) {
        #expect(IPAddress(octets: [UInt8](repeating: 1, count: count)) == nil)
    }
}
