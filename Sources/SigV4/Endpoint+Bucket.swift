// How a call for a bucket's object is described, without the object.
extension Endpoint {
    /// The host that the call is sent to; an IPv6 address has no brackets.
    public func host(bucket: String, _ addressing: Addressing) -> String {
        if addressing == .virtual { return "\(bucket).\(host)" }
        return host.first == "[" ? String(host.dropFirst().dropLast()) : host
    }

    /// As written, or that of the scheme.
    public var effectivePort: UInt16 { port ?? scheme.defaultPort }

    /// The origin of the URLs of the bucket's objects as browsers write it: `https://bucket.host`, without a default port.
    public func origin(bucket: String, _ addressing: Addressing) -> String {
        "\(scheme.rawValue)://\(hostHeader(bucket: bucket, addressing).lowercased())"
    }

    /// The URL of the bucket's objects up to their keys: `https://host/bucket/`, `https://bucket.host/`.
    public func url(bucket: String, _ addressing: Addressing) -> String {
        let bucketPath = addressing == .virtual ? "" : "\(URIEncoding.encode(bucket))/"
        return "\(scheme.rawValue)://\(authority(bucket: bucket, addressing))\(path)/\(bucketPath)"
    }
}
