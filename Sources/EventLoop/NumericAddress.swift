import Glibc

/// Internet addresses as text.
public enum NumericAddress {
    /// Whether a host is an address already, which needs no lookup: dotted decimal, or IPv6 with or without brackets.
    public static func isNumeric(_ host: String) -> Bool {
        var address = in6_addr()
        if unsafe inet_pton(AF_INET, host, &address) == 1 { return true }
        let inner = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        return unsafe inet_pton(AF_INET6, inner, &address) == 1
    }

    /// The addresses of a host in the order of RFC 6724, by getaddrinfo(3), which blocks; none where the name does not
    /// resolve.
    public static func lookUp(_ host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let text = unsafe text(entry.pointee), !addresses.contains(text) { addresses.append(text) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }

    private static func text(_ entry: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            unsafe getnameinfo(
                entry.ai_addr, entry.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
