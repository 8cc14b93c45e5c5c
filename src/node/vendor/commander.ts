export { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
