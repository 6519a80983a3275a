/// Records of FastCGI 1.0 as bytes (§3.3, §5).
public enum FastCGIRecords {
    public static let beginRequest: UInt8 = 1
    public static let abortRequest: UInt8 = 2
    public static let endRequest: UInt8 = 3
    public static let parameters: UInt8 = 4
    public static let standardInput: UInt8 = 5
    public static let standardOutput: UInt8 = 6

    public static func record(_ type: UInt8, _ content: [UInt8], requestID: UInt16 = 1, version: UInt8 = 1) -> [UInt8] {
        [
            version, type, UInt8(requestID >> 8), UInt8(requestID & 255), UInt8(content.count >> 8 & 255),
            UInt8(content.count & 255), 0, 0,
        ] + content
    }

    public static func begin(role: UInt16 = 1, keep: Bool, requestID: UInt16 = 1) -> [UInt8] {
        record(beginRequest, [UInt8(role >> 8), UInt8(role & 255), keep ? 1 : 0, 0, 0, 0, 0, 0], requestID: requestID)
    }

    public static func request(
        _ parameters: KeyValuePairs<String, String>, body: [UInt8] = [], keep: Bool = true, requestID: UInt16 = 1
    ) -> [UInt8] {
        var bytes = begin(keep: keep, requestID: requestID)
        let pairs = parameters.flatMap { name, value in
            length(name.utf8.count) + length(value.utf8.count) + Array(name.utf8) + Array(value.utf8)
        }
        bytes +=
            record(Self.parameters, pairs, requestID: requestID) + record(Self.parameters, [], requestID: requestID)
        for start in stride(from: 0, to: body.count, by: 60_000) {
            bytes += record(standardInput, Array(body[start..<min(start + 60_000, body.count)]), requestID: requestID)
        }
        return bytes + record(standardInput, [], requestID: requestID)
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 128
            ? [UInt8(count)]
            : [UInt8(count >> 24 & 127 | 128), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }
}
