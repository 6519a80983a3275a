import CCurl

/// Dates in header fields (RFC 9110 §5.6.7).
public enum HTTPDate {
    /// Seconds since 1970; nil where libcurl cannot read it.
    public static func seconds(_ text: String) -> Int64? {
        let seconds = unsafe curl_getdate(text, nil)
        return seconds < 0 ? nil : Int64(seconds)
    }
}
