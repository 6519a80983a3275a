import S3ObjectStore
import StreamIssuing

/// The lines of `check` about the bucket's CORS rules: one for each origin, and the rule that they need.
enum CORSFindings {
    static func findings(_ answers: [(origin: String, fault: CORSFault?)]) -> [CheckFinding] {
        let lines = answers.map { origin, fault in
            guard let fault else { return CheckFinding("cors", .ok, origin) }
            return CheckFinding("cors", .warning, "\(origin): \(fault)")
        }
        // No rule of the bucket mends what a proxy adds.
        guard answers.contains(where: { $0.fault != nil && $0.fault != .severalOrigins }) else { return lines }
        let advice = """
            a player there cannot fetch the audio by script, as stream-worker.js does; give the bucket this rule beside those \
            that it keeps (aws s3api put-bucket-cors): \(rule(answers.map(\.origin)))
            """
        return lines + [CheckFinding("cors rule", .warning, advice)]
    }

    /// As `put-bucket-cors` takes it. Browsers that do not know a simple `Range` ask for it in a preflight.
    static func rule(_ origins: [String]) -> String {
        var json = JSONText()
        json.append("{\"CORSRules\":[{\"AllowedOrigins\":[")
        for (index, origin) in origins.enumerated() {
            if index > 0 { json.append(",") }
            json.append(quoted: origin)
        }
        json.append("],\"AllowedMethods\":[\"GET\",\"HEAD\"],\"AllowedHeaders\":[\"Range\"],")
        json.append("\"ExposeHeaders\":[\"ETag\",\"Content-Range\",\"Accept-Ranges\",\"Content-Length\"],")
        json.append("\"MaxAgeSeconds\":3600}]}")
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
