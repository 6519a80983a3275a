import StrictJSON

/// What a store asks its authorisation webhook: may this account do this?
public struct StoreQuestion: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        /// MinIO: an action of its policies, such as `s3:GetObject`. Yes replaces all of them.
        case policy(String)
        /// RGW: the method of the HTTP request. Its own policies must allow it as well.
        case method(String)
    }

    public let account: String
    public let action: Action
    /// With RGW's tenant, as `tenant:bucket`; empty where the question is about none.
    public let bucket: String
    /// The object's key; empty where the question is about none.
    public let object: String
    /// Of the URL's query, as the store hands them on: RGW percent-encoded, MinIO decoded and among headers and values
    /// of its own.
    let parameters: [String: [String]]

    /// - Parameter body: JSON, as MinIO's policy plugin or RGW's OPA client posts it. RGW's has the user's secret keys.
    /// - Returns: nil for anything else.
    public init?(json body: [UInt8]) {
        guard let input = try? JSONReader.read(body).objectValue?["input"]?.objectValue else { return nil }
        if let account = input["account"]?.stringValue {
            self.init(minIO: input, account)
        } else if let user = input["user_info"]?.objectValue?["user_id"]?.stringValue {
            self.init(rgw: input, user)
        } else {
            return nil
        }
    }

    private init?(minIO input: JSONObject, _ account: String) {
        guard let action = input["action"]?.stringValue, let bucket = input["bucket"]?.stringValue,
            let object = input["object"]?.stringValue, let conditions = input["conditions"]?.objectValue
        else { return nil }
        self.account = account
        self.action = .policy(action)
        self.bucket = bucket
        self.object = object
        // No name comes twice.
        parameters = Dictionary(
            uniqueKeysWithValues: conditions.members.map { name, value in
                (name, (value.arrayValue ?? []).map { $0.stringValue ?? "" })
            })
    }

    private init?(rgw input: JSONObject, _ account: String) {
        guard let method = input["method"]?.stringValue, let query = input["params"]?.stringValue else { return nil }
        self.account = account
        action = .method(method)
        let named = input["bucket_info"]?.objectValue?["bucket"]?.objectValue
        let (name, tenant) = (named?["name"]?.stringValue ?? "", named?["tenant"]?.stringValue ?? "")
        bucket = tenant.isEmpty ? name : "\(tenant):\(name)"
        object = input["object_name"]?.stringValue ?? ""
        var parameters: [String: [String]] = [:]
        for parameter in query.split(separator: "&") {
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            parameters[String(parts[0]), default: []].append(parts.count == 2 ? String(parts[1]) : "")
        }
        self.parameters = parameters
    }
}
