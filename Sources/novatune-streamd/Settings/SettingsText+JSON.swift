import OperatorSettings
import StreamIssuing

extension SettingsText {
    /// An array of groups, for programs: the manual page novatune.env(5) is made from it.
    static func json(_ groups: [SettingGroup]) -> String {
        var json = JSONText()
        json.append("[")
        for (index, group) in groups.enumerated() {
            if index > 0 { json.append(",") }
            json.append("\n{\"title\":")
            json.append(quoted: group.title)
            json.append(",\"settings\":[")
            for (index, setting) in group.declarations.enumerated() {
                if index > 0 { json.append(",") }
                json.append("\n")
                json.append(setting)
            }
            json.append("]}")
        }
        json.append("]")
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

extension JSONText {
    fileprivate mutating func append(_ setting: SettingDeclaration) {
        append("{\"name\":")
        append(quoted: setting.name)
        append(",\"fileName\":")
        append(optional: setting.fileName)
        append(",\"default\":")
        append(quoted: setting.shownDefault)
        append(",\"meaning\":")
        append(quoted: setting.meaning)
        append(",\"allowed\":")
        append(optional: setting.allowed)
        append(",\"isRequired\":")
        append(setting.presence == .required)
        append(",\"isSecret\":")
        append(setting.isSecret)
        append(",\"isDocument\":")
        append(setting.isDocument)
        append(",\"isReloadable\":")
        append(setting.isReloadable)
        append("}")
    }

    private mutating func append(optional text: String?) {
        if let text { append(quoted: text) } else { append("null") }
    }

    private mutating func append(_ flag: Bool) {
        if flag { append("true") } else { append("false") }
    }
}
