public import Logging
public import OperatorSettings

/// Settings of the log.
public enum LogSetting {
    public static let level = Setting.choice(
        "NOVATUNE_LOG_LEVEL", of: Logger.Level.allCases, default: .info, isReloadable: true,
        "the least severe lines that are written")

    public static let group = SettingGroup("Log", [level.declaration])
}
